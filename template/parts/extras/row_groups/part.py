"""Parquet tables larger than memory: read once for the schema, then anew in each epoch.

Validation and test rows are kept in memory. Training rows come in windows: the seed and the epoch
shuffle the row groups, and the rows of each window.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from . import InputError
from .data import PARTS, Examples, Schema, Splits, encode, fit_schema
from .inputs import InputSchema
from .kinds import TASKS
from .tables import is_parquet, normalize, pick, read_parts

# Training rows, drawn by chance, that all statistics are measured on.
STATISTICS_ROWS = 100_000
# Rows kept in memory for validation, and as many for the test; the others are trained on.
HELD_OUT_ROWS = 20_000
# Memory for a window of training rows; reading and encoding it takes a few times as much.
WINDOW_BYTES = 64 * 2**20
# Rows read at a time where nothing is known about their size yet.
PIECE_ROWS = 8192
# A column with more different labels than this has numbers, not classes.
MAX_CLASSES = 10_000
# The column that read_groups adds, the position of a row: no column of a table has an empty name.
POSITION = ""


@dataclass(frozen=True)
class Streamed(Examples):
    """Training rows that stay in a Parquet file; its arrays have no rows, and show their types.

    footer: what the file said about itself at first.
    share: of the rows that are for validation, and of those for the test, without a column `split`.
    count: training rows, and `window` those in memory at a time.
    """

    path: Path
    schema: Schema
    footer: pq.FileMetaData
    seed: int
    share: float
    count: int
    window: int

    def __len__(self) -> int:
        return self.count

    def windows(self, size: int, epoch: int, seed: int) -> Iterator[Examples]:
        """Read an epoch, in windows of whole batches of `size`. Raises InputError."""
        if not read_footer(self.path).equals(self.footer):
            raise InputError(f"{self.path} has changed since training began; train anew")
        rng = np.random.default_rng([seed, epoch])
        groups = rng.permutation(self.footer.num_row_groups)
        tables = read_groups(self.path, max(1, self.window // 4), groups)
        waiting: list[pa.Table] = []
        for table in itertools.chain(tables, [None]):
            if table is not None:
                waiting.append(table.filter(find_parts(table, self.seed, self.share) == 0))
            if table is None or sum(map(len, waiting)) >= max(size, self.window):
                rows = pa.concat_tables(waiting)
                order = rng.permutation(len(rows))
                whole = len(rows) if table is None else len(rows) // size * size
                yield encode(to_cells(rows.take(order[:whole])), self.path.parent, self.schema)
                waiting = [rows.take(order[whole:])]


def load(path: Path, seed: int, like: InputSchema | None = None) -> Splits:
    """Read a table once, with the inputs' schema of an earlier run if given. Raises InputError."""
    footer = read_footer(path)
    share = min(0.15, HELD_OUT_ROWS / max(1, footer.num_rows))
    drawn = [Drawn(STATISTICS_ROWS), Drawn(HELD_OUT_ROWS), Drawn(HELD_OUT_ROWS)]
    labels: dict[str, dict[str, tuple[int, Any]]] = {task.name: {} for task in TASKS}
    counts = np.zeros(len(PARTS), int)
    for table in read_groups(path, PIECE_ROWS, range(footer.num_row_groups)):
        parts = find_parts(table, seed, share)
        counts += np.bincount(parts, minlength=len(PARTS))
        for part, rows in enumerate(drawn):
            rows.add(table.filter(parts == part))
        for name, cells in to_cells(table.select([*labels, POSITION])).items():
            if len(labels[name]) <= MAX_CLASSES:
                for row, cell in cells.dropna().items():
                    labels[name].setdefault(str(cell), (row, cell))
    for name, count in zip(PARTS, counts, strict=True):
        if not count:
            raise InputError(f"{path}: part '{name}' has no rows; add rows, or try another --seed")
    sampled, *held_out = [to_cells(rows.rows()) for rows in drawn]
    # A class that was not drawn counts, too: one row of each is added, which is not trained on.
    rare = [
        pd.DataFrame({name: pd.Series(dict(found.values()), dtype=object)})
        for name, found in labels.items()
        if len(found) <= MAX_CLASSES
    ]
    schema = fit_schema(pd.concat([sampled, *rare]), path.parent, np.arange(len(sampled)), like)
    validation, test = (encode(rows, path.parent, schema) for rows in held_out)
    groups = [footer.row_group(group).total_byte_size for group in range(footer.num_row_groups)]
    arrays = [array for part in validation.as_tuple() for array in part.values()]
    size = sum(array.nbytes for array in arrays) / len(validation) + sum(groups) / footer.num_rows
    window = max(1, int(WINDOW_BYTES / size))
    print(f"{path}: {counts[0]:,} training rows, about {window:,} of them in memory at a time;")
    held = [f"{len(rows):,} of {count:,}" for rows, count in zip(held_out, counts[1:], strict=True)]
    print(f"{held[0]} rows for validation and {held[1]} for the test, all of these in memory.")
    none = validation.take(np.arange(0)).as_tuple()
    train = Streamed(*none, path, schema, footer, seed, share, int(counts[0]), window)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Splits(schema, digest, train, validation, test)


class Drawn:
    """Rows drawn by chance from the tables that are added, at most so many."""

    def __init__(self, most: int) -> None:
        self.most, self.limit = most, 1.0
        self.tables: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Draw from the rows of a table."""
        self.tables.append(table.filter(uniform(table, [0]) < self.limit))
        if sum(map(len, self.tables)) > 2 * self.most:
            self.tables = [self.rows()]

    def rows(self) -> pa.Table:
        """Return the rows, in the order of the table."""
        table = pa.concat_tables(self.tables)
        if len(table) <= self.most:
            return table
        numbers = uniform(table, [0])
        self.limit = np.partition(numbers, self.most)[self.most]
        return table.filter(numbers < self.limit)


def find_parts(table: pa.Table, seed: int, share: float) -> np.ndarray:
    """Find the part of each row, as a place in PARTS: by the column `split`, else by chance."""
    if "split" not in table.column_names:
        numbers = uniform(table, [seed, 1])
        return (numbers < share).astype(int) + (numbers < 2 * share)
    cells = to_cells(table.select(["split", POSITION]))["split"]
    parts = pd.Index(PARTS).get_indexer(cells)
    for row, name in cells[parts < 0].items():
        raise InputError(f"row {row + 1}, column 'split': '{name}' is not one of {PARTS}")
    return parts


def uniform(table: pa.Table, seed: Sequence[int]) -> np.ndarray:
    """Draw a number from 0 to 1 for each row, which its position and the seed decide."""
    key = np.random.default_rng(seed).integers(2**62)
    return pd.util.hash_array(table[POSITION].to_numpy() + key) / 2**64


def read_footer(path: Path) -> pq.FileMetaData:
    """Read what a Parquet file says about itself. Raises InputError."""
    if path.is_file() and not is_parquet(path):
        raise InputError(f"{path} is not a Parquet file; convert it, as README.md shows")
    first = next(read_parts(path, 1), None)
    if first is None:
        raise InputError(f"{path} has no rows; give at least 10")
    pick(normalize(first), {task.name: task.name for task in TASKS})
    return pq.read_metadata(path)


def read_groups(path: Path, size: int, groups: Iterable[int]) -> Iterator[pa.Table]:
    """Read row groups, at most `size` rows at a time, with their positions. Raises InputError."""
    try:
        with pq.ParquetFile(path) as file:
            rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            firsts = np.cumsum([0, *rows])
            for group in groups:  # one after the other: a reader keeps what it has read
                first = firsts[group]
                for batch in file.iter_batches(size, row_groups=[int(group)]):
                    positions = pa.array(np.arange(first, first + len(batch)))
                    yield pa.Table.from_batches([batch]).append_column(POSITION, positions)
                    first += len(batch)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from None


def to_cells(table: pa.Table) -> pd.DataFrame:
    """Normalize rows; their index is their position in the file."""
    return normalize(table).set_index(POSITION)


def convert(table: Path, group_rows: int = PIECE_ROWS) -> Path:
    """Convert a CSV table of any length to a Parquet file beside it; return its path."""
    path, parts = table.with_suffix(".parquet"), read_parts(table, group_rows)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as file:
        for part in itertools.chain([first], parts):
            file.write_table(part)
    return path
