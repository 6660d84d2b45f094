from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from . import InputError, config
from .tables import mean_and_std, pick


@dataclass(frozen=True)
class InputSchema:
    """What the training rows say about the sequences: mean and deviation of each channel."""

    mean: tuple[float, ...] = (0.0,) * config.CHANNELS
    std: tuple[float, ...] = (1.0,) * config.CHANNELS

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "InputSchema":
        """Read what schema.json has."""
        return cls(**saved)

    def summary(self) -> str:
        """List what the network reads."""
        return f"Sequences: {config.INPUTS}"


def input_layers(schema: InputSchema) -> dict[str, keras.KerasTensor]:
    """Create the inputs of the network, (batch, steps, channels) each."""
    return {name: keras.Input(shape, name=name) for name, shape in config.INPUTS.items()}


def trunk(schema: InputSchema) -> keras.Model:
    """Build an LSTM over the normalized steps, then dense layers on its last state."""
    inputs = keras.Input((None, config.CHANNELS), name="sequence")
    variance = [std**2 for std in schema.std]
    x = layers.Normalization(mean=schema.mean, variance=variance, dtype="float32")(inputs)
    x = layers.LSTM(config.TRUNK_UNITS[0], name="lstm")(x)
    for i, units in enumerate(config.TRUNK_UNITS[1:], start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{i}")(x)
    return keras.Model(inputs, x, name="trunk")


def fit_inputs(table: pd.DataFrame, folder: Path, train: np.ndarray) -> InputSchema:
    """Measure each channel over all steps of the training rows. Raises InputError."""
    arrays = encode_inputs(table.iloc[train], folder, InputSchema()).values()
    values = np.concatenate([array.reshape(-1, config.CHANNELS) for array in arrays])
    channels = [mean_and_std(f"channel {i + 1}", channel) for i, channel in enumerate(values.T)]
    mean, std = zip(*channels, strict=True)
    return InputSchema(mean, std)


def encode_inputs(table: pd.DataFrame, folder: Path, schema: InputSchema) -> dict[str, np.ndarray]:
    """Read the .npy files that a table names: float32, (rows, steps, channels), by input.

    Paths are relative to the table's folder. Raises InputError.
    """
    cells = pick(table, {name: name for name in config.INPUTS})
    arrays = {}
    for name, shape in config.INPUTS.items():
        arrays[name] = np.empty((len(table), *shape), "float32")
        for i, (row, cell) in enumerate(cells[name].items()):
            where = f"row {row + 1}, column '{name}'"
            arrays[name][i] = read_sequence(cell, folder, shape, where)
    return arrays


def read_sequence(cell: Any, folder: Path, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Read one .npy file of a shape. Raises InputError."""
    if pd.isna(cell):
        raise InputError(f"{where}: the cell is empty; write the path of a .npy file")
    try:
        sequence = np.asarray(np.load(folder / str(cell), allow_pickle=False))
    except Exception as error:  # a broken file can fail in many ways
        raise InputError(f"{where}: '{cell}' cannot be read as a .npy file: {error}") from None
    if sequence.shape != shape or sequence.dtype.kind not in "biuf":
        found = f"{sequence.shape} {sequence.dtype}"
        raise InputError(f"{where}: '{cell}' has {found}; numbers of shape {shape} are needed")
    if not (np.abs(sequence.astype("float64")) < 1e18).all():
        raise InputError(f"{where}: '{cell}' has values that are not numbers below 1e18")
    return sequence


# A sample sequence shows each hidden factor as the level of a channel; of many, several the same.
FACTORS = min(4, config.CHANNELS)


def sample_columns(
    name: str, factors: np.ndarray, folder: Path, rng: np.random.Generator
) -> dict[str, Any]:
    """Write noisy sequences that show hidden factors, (rows, FACTORS), and make their column."""
    (folder / name).mkdir(exist_ok=True)
    paths = [f"{name}/{row:05}.npy" for row in range(len(factors))]
    shown = factors[:, np.arange(config.CHANNELS) % FACTORS]
    for path, levels in zip(paths, shown, strict=True):
        sequence = levels + rng.normal(0, 0.1, config.INPUTS[name])
        np.save(folder / path, sequence.astype("float16"))
    return {name: paths}
