"""Parquet tables larger than memory: read once for the schema, then anew in each epoch.

Validation and test rows are kept in memory. Training rows come in windows, one for each piece of an
epoch: the seed and the epoch shuffle the row groups, and the rows of each window.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from . import InputError
from .data import PARTS, Examples, Schema, Splits, encode, fit_schema
from .epochs import PIECE_BYTES
from .inputs import InputSchema
from .kinds import TASKS
from .runs import replaced
from .tables import find_positions, is_parquet, normalize, pick, read_parts

# Rows kept of each part, drawn at random; statistics are measured on those of training.
KEPT_ROWS = {"train": 100_000, "validation": 20_000, "test": 20_000}
# Rows read at a time before their size is known.
PIECE_ROWS = 8192
# A column with more different labels than this has numbers, not classes.
MAX_CLASSES = 10_000


@dataclass(frozen=True)
class Streamed(Examples):
    """Training rows that stay in a Parquet file, `count` in all.

    The arrays have no rows, only shapes and types; `footer` is the file's when training began, and
    `read_bytes` what a row takes while it is read.
    """

    path: Path
    footer: pq.FileMetaData
    schema: Schema
    seed: int
    count: int
    read_bytes: int

    def __len__(self) -> int:
        return self.count

    def row_bytes(self) -> int:
        """Compute the memory that a row takes."""
        return super().row_bytes() + self.read_bytes

    def windows(self, count: int, epoch: int, seed: int) -> Iterator[tuple[Examples, np.ndarray]]:
        """Read an epoch, in `count` windows of even size and order. Raises InputError."""
        rng = np.random.default_rng([seed, epoch])
        groups = rng.permutation(self.footer.num_row_groups)
        sizes = np.diff(len(self) * np.arange(count + 1) // count)
        parts = read_groups(self.path, self.footer, self.seed, groups, max(1, sizes[0] // 4))
        waiting: list[pd.DataFrame] = []
        for size in sizes:
            while sum(map(len, waiting)) < size:
                cells = next(parts)
                waiting.append(cells[cells["split"] == "train"])
            rows = pd.concat(waiting).sample(frac=1, random_state=rng)
            yield encode(rows[:size], self.path.parent, self.schema), np.arange(size)
            waiting = [rows[size:]]


def load(path: Path, seed: int, like: InputSchema | None = None) -> Splits:
    """Read a table once, with the inputs' schema of an earlier run if given. Raises InputError."""
    if path.is_file() and not is_parquet(path):
        raise InputError(f"{path} is not a Parquet file; convert it, as README.md shows")
    read_first(path)
    footer = pq.read_metadata(path)
    rows, rare, count = scan(path, footer, seed)
    train = np.flatnonzero(rows["split"] == "train")
    schema = fit_schema(pd.concat([rows, rare]), path.parent, train, like)
    held_out = [encode(rows[rows["split"] == part], path.parent, schema) for part in PARTS[1:]]
    groups = (footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    read_bytes = math.ceil(sum(groups) / footer.num_rows)
    none = held_out[0].take(np.arange(0)).as_tuple()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    streamed = Streamed(*none, path, footer, schema, seed, count, read_bytes)
    most = PIECE_BYTES // streamed.row_bytes()
    print(f"{path}: {count:,} training rows, read anew in each epoch, at most {most:,} at a time")
    return Splits(schema, digest, streamed, *held_out)


def scan(path: Path, footer: pq.FileMetaData, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return KEPT_ROWS, one more row for each label, and the count of training rows."""
    kept: list[pd.DataFrame] = []
    labels = {task.name: pd.Series(name=task.name, dtype=object) for task in TASKS}
    counts: Counter[str] = Counter()
    for cells in read_groups(path, footer, seed, range(footer.num_row_groups), PIECE_ROWS):
        counts.update(cells["split"])
        kept.append(cells)
        if len(kept) == 16:
            kept = [draw(kept)]
        for name, column in pick(cells, {name: name for name in labels}).items():
            if len(labels[name]) <= MAX_CLASSES:
                found = pd.concat([labels[name], column.dropna().astype(object)])
                labels[name] = found[~found.map(str).duplicated()]
    if empty := [part for part in PARTS if not counts[part]]:
        raise InputError(f"{path}: part '{empty[0]}' has no rows; add rows, or try another --seed")
    return draw(kept), pd.concat(map(pd.Series.to_frame, labels.values())), counts["train"]


def draw(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    """Draw at most KEPT_ROWS of each part, in the order of the table."""
    cells = pd.concat(pieces)
    ranks = uniform(cells.index, 0).groupby(cells["split"]).rank()
    return cells[ranks <= cells["split"].map(KEPT_ROWS)]


def uniform(rows: pd.Index, seed: int) -> pd.Series:
    """Draw a number from 0 to 1 for each row, which its position and the seed decide."""
    key = np.random.default_rng(seed).integers(2**62)
    return pd.Series(pd.util.hash_array(rows.to_numpy() + key) / 2**64, rows)


def read_groups(
    path: Path, footer: pq.FileMetaData, seed: int, groups: Iterable[int], size: int
) -> Iterator[pd.DataFrame]:
    """Read row groups, at most `size` rows at a time; `split` names their parts. Raises InputError.

    The index is the position in the file. Without a column `split`, parts are drawn at random.
    """
    lengths = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    starts = np.cumsum([0, *lengths])
    share = min(0.15, KEPT_ROWS["test"] / footer.num_rows)
    try:
        with pq.ParquetFile(path) as file:
            if not file.metadata.equals(footer):
                raise InputError(f"{path} has changed since training began; train anew")
            for group in groups:  # one after the other: a reader keeps what it has read
                start = starts[group]
                for batch in file.iter_batches(size, row_groups=[int(group)]):
                    cells = normalize(pa.Table.from_batches([batch]))
                    cells.index = pd.RangeIndex(start, start + len(cells))
                    if "split" in cells:
                        parts = find_positions(cells["split"], PARTS)
                    else:
                        parts = np.digitize(uniform(cells.index, seed), [1 - 2 * share, 1 - share])
                    yield cells.assign(split=np.array(PARTS, dtype=object)[parts])
                    start += len(cells)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from None


def convert(table: Path, group_rows: int = PIECE_ROWS) -> Path:
    """Convert a CSV table of any length to a Parquet file beside it; return its path."""
    path = table.with_suffix(".parquet")
    schema = read_first(table).schema
    with replaced(path) as draft, pq.ParquetWriter(draft, schema) as file:
        for rows in read_parts(table, group_rows):
            file.write_table(rows)
    return path


def read_first(path: Path) -> pa.Table:
    """Read the first row of a table. Raises InputError."""
    for rows in read_parts(path, 1):
        return rows
    raise InputError(f"{path} has no rows; give at least 3")
