"""A table becomes inputs, labels and label weights.

A row is an example; an empty cell in the column of a task means "not labeled".
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import InputError
from .inputs import InputSchema, encode_inputs, fit_inputs
from .kinds import TASKS, AnyKind, label_weights
from .tables import find_positions, pick, read_table

PARTS = ("train", "validation", "test")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Schema:
    """Columns, statistics and classes learned from a table; saved as schema.json."""

    inputs: InputSchema = field(default_factory=InputSchema)
    tasks: tuple[AnyKind, ...] = TASKS

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Schema":
        """Read a schema that was written by `dataclasses.asdict`."""
        tasks = (replace(t, **fields) for t, fields in zip(TASKS, saved["tasks"], strict=True))
        return cls(InputSchema.from_json(saved["inputs"]), tuple(tasks))


@dataclass(frozen=True)
class Examples:
    """Arrays for `fit`: inputs by name; labels by task, and weights, 0 where a label is missing."""

    inputs: Arrays
    labels: Arrays
    weights: Arrays

    def __len__(self) -> int:
        return len(next(iter(self.weights.values())))

    def as_tuple(self) -> tuple[Arrays, Arrays, Arrays]:
        """Return x, y and sample_weight, as Keras takes them."""
        return self.inputs, self.labels, self.weights

    def take(self, rows: np.ndarray) -> "Examples":
        """Select rows by position."""
        parts = ({k: v.take(rows, axis=0) for k, v in part.items()} for part in self.as_tuple())
        return Examples(*parts)

    def row_bytes(self) -> int:
        """Compute the memory that a row takes."""
        arrays = [array for part in self.as_tuple() for array in part.values()]
        return sum(array.itemsize * math.prod(array.shape[1:]) for array in arrays)

    def windows(self, count: int, epoch: int, seed: int) -> Iterator[tuple["Examples", np.ndarray]]:
        """Yield `count` even parts in random order: examples, and positions of rows in them."""
        order = np.random.default_rng([seed, epoch]).permutation(len(self))
        return ((self, part) for part in np.split(order, len(self) * np.arange(1, count) // count))


@dataclass(frozen=True)
class Splits:
    """The three parts of a table, its schema, and the hash of its file."""

    schema: Schema
    digest: str
    train: Examples
    validation: Examples
    test: Examples

    def unlabeled(self) -> set[str]:
        """Find the tasks that have no label in the validation rows."""
        return {name for name, weights in self.validation.weights.items() if not weights.any()}


def load(path: Path, seed: int, like: InputSchema | None = None) -> Splits:
    """Read a table to train on, with the inputs of an earlier run if given. Raises InputError."""
    table = read_table(path)
    rows = split_rows(table, seed)
    schema = fit_schema(table, path.parent, rows["train"], like)
    examples = encode(table, path.parent, schema)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Splits(schema, digest, *(examples.take(rows[name]) for name in PARTS))


def split_rows(table: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """Find the positions of each part: by the column `split`, else 70, 15 and 15 % at random."""
    if "split" in table:
        parts = find_positions(table["split"], PARTS)
    else:
        held_out = max(1, round(0.15 * len(table)))
        places = np.random.default_rng(seed).permutation(len(table))
        parts = np.digitize(places, [len(table) - 2 * held_out, len(table) - held_out])
    rows = {name: np.flatnonzero(parts == part) for part, name in enumerate(PARTS)}
    if empty := [name for name in PARTS if not len(rows[name])]:
        raise InputError(f"part '{empty[0]}' has no rows; give one or more to each of {PARTS}")
    return rows


def fit_schema(
    table: pd.DataFrame, folder: Path, train: np.ndarray, like: InputSchema | None = None
) -> Schema:
    """Learn statistics and classes from a table. Raises InputError."""
    columns, tasks = pick(table, {task.name: task.name for task in TASKS}), []
    for task in TASKS:
        if columns[task.name].iloc[train].isna().all():
            raise InputError(f"column '{task.name}' has no label in the training rows; add some")
        tasks.append(task.fit(columns[task.name], train))
    return Schema(like or fit_inputs(table, folder, train), tuple(tasks))


def encode(table: pd.DataFrame, folder: Path, schema: Schema) -> Examples:
    """Encode inputs and labels; files that a table names are in `folder`. Raises InputError."""
    columns, labels, weights = pick(table, {t.name: t.name for t in schema.tasks}), {}, {}
    for task in schema.tasks:
        labeled = columns[task.name].notna().to_numpy()
        known = task.encode(columns[task.name][labeled])
        labels[task.name] = np.zeros((len(table), known.shape[1]), "float32")
        labels[task.name][labeled] = known
        weights[task.name] = np.zeros(len(table), "float32")
        weights[task.name][labeled] = label_weights(task, known)
    return Examples(encode_inputs(table, folder, schema.inputs), labels, weights)
