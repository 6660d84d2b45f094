import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers, ops

from . import InputError, config
from .tables import listed, mean_and_std, pick, spell, to_numbers


@dataclass(frozen=True)
class Column:
    """A feature: a number with its mean and deviation, or the names of its categories."""

    name: str
    categories: Sequence[str] | None = None
    mean: float = 0.0
    std: float = 1.0

    @property
    def width(self) -> int:
        """Count the numbers that it becomes."""
        return 1 if self.categories is None else len(self.categories)


@dataclass(frozen=True)
class InputSchema:
    """The features, as learned from the training rows."""

    columns: tuple[Column, ...] = tuple(Column(f"x{i + 1}") for i in range(config.SAMPLE_FEATURES))

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "InputSchema":
        """Read what schema.json has."""
        return cls(tuple(Column(**fields) for fields in saved["columns"]))

    def summary(self) -> str:
        """List the features, so that a column that should not be one is noticed."""
        texts = {c.name: f" ({c.width} categories)" for c in self.columns if c.categories}
        return "Features: " + listed(c.name + texts.get(c.name, "") for c in self.columns)


def input_layers(schema: InputSchema) -> dict[str, keras.KerasTensor]:
    """Create the inputs of the network, (batch, numbers) each."""
    width = sum(column.width for column in schema.columns)
    return {name: keras.Input((width,), name=name) for name in config.INPUTS}


def trunk(schema: InputSchema) -> keras.Model:
    """Build dense layers on the normalized features; a missing number counts as its mean."""
    mean = [column.mean for column in schema.columns for _ in range(column.width)]
    variance = [column.std**2 for column in schema.columns for _ in range(column.width)]
    inputs = keras.Input((len(mean),), name="features")
    x = layers.Normalization(mean=mean, variance=variance, dtype="float32")(inputs)
    x = ops.where(ops.isnan(x), 0.0, x)
    for i, units in enumerate(config.TRUNK_UNITS, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{i}")(x)
    return keras.Model(inputs, x, name="trunk")


def fit_inputs(table: pd.DataFrame, folder: Path, train: np.ndarray) -> InputSchema:
    """Learn columns, statistics and categories from the training rows. Raises InputError."""
    views = split_columns(table.iloc[train], config.FEATURES).values()
    columns = tuple(fit_column(cells) for _, cells in pd.concat(views).items())
    if not any(column.width for column in columns):
        raise InputError("the table has no columns besides those of the tasks; add some features")
    return InputSchema(columns)


def fit_column(cells: pd.Series) -> Column:
    """Learn one feature: numeric if 90 % of its cells are numbers, else categorical."""
    name, known = str(cells.name), cells.dropna()
    # A few bad cells must not make categories of numbers: to_numbers names the first.
    if pd.to_numeric(known, errors="coerce").notna().mean() >= 0.9:
        return Column(name, None, *mean_and_std(name, to_numbers(known)))
    found = known.map(spell).value_counts().index
    return Column(name, tuple(found[: config.MAX_CATEGORIES]))


def encode_inputs(table: pd.DataFrame, folder: Path, schema: InputSchema) -> dict[str, np.ndarray]:
    """Encode the features, (rows, numbers): an empty number is NaN, an unknown category zeros."""
    views = split_columns(table, [column.name for column in schema.columns])
    arrays: dict[str, list[np.ndarray]] = {name: [] for name in views}
    for name, view in views.items():
        for column, (_, cells) in zip(schema.columns, view.items(), strict=True):
            if column.categories is None:
                arrays[name].append(to_numbers(cells)[:, None])
            else:
                names = cells.map(spell, na_action="ignore")
                arrays[name].append(pd.get_dummies(pd.Categorical(names, column.categories)))
    return {name: np.hstack(parts).astype("float32") for name, parts in arrays.items()}


def split_columns(table: pd.DataFrame, features: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Select the features of each input, by default all. Raises InputError."""
    labels = {"split", *(task.name for task in config.TASKS)}
    patterns = sorted(config.INPUTS.values(), key=len, reverse=True)  # the longest that fits counts
    any_input = re.compile("|".join(re.escape(p).replace(r"\{\}", "(.+)") for p in patterns), re.S)
    fits = [any_input.fullmatch(column) for column in table.columns if column not in labels]
    found = features or dict.fromkeys("".join(fit.groups("")) for fit in fits if fit)
    columns = {name: {f: p.replace("{}", f) for f in found} for name, p in config.INPUTS.items()}
    if wrong := labels.intersection(c for picked in columns.values() for c in picked.values()):
        raise InputError(f"FEATURES of config.py: '{wrong.pop()}' is not a feature; remove it")
    return {name: pick(table, picked) for name, picked in columns.items()}


# The sample table shows a hidden factor as a number; of many features, several show the same.
FACTORS = min(4, config.SAMPLE_FEATURES)


def sample_columns(
    name: str, factors: np.ndarray, folder: Path, rng: np.random.Generator
) -> dict[str, Any]:
    """Make the columns of an input that show hidden factors, (rows, FACTORS), between 0 and 1."""
    columns = {}
    for i in range(config.SAMPLE_FEATURES):
        shown = factors[:, i % FACTORS] ** (1 / (1 + i // FACTORS))
        columns[config.INPUTS[name].replace("{}", f"x{i + 1}")] = np.round(10 * shown, 3)
    return columns
