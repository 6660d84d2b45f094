from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers
from PIL import Image

from . import InputError, config
from .tables import pick

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class InputSchema:
    """What the training rows say about the images: nothing."""

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "InputSchema":
        """Read what schema.json has."""
        return cls()

    def summary(self) -> str:
        """List what the network reads."""
        return f"Images: {config.INPUTS}"


def input_layers(schema: InputSchema) -> dict[str, keras.KerasTensor]:
    """Create the inputs of the network, (batch, height, width, channels) each, 0 to 255."""
    return {
        name: keras.Input(shape, dtype="uint8", name=name) for name, shape in config.INPUTS.items()
    }


def trunk(schema: InputSchema) -> keras.Model:
    """Build convolutions that each halve an image of any size, then the mean over its places."""
    inputs = keras.Input((None, None, config.CHANNELS), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for i, units in enumerate(config.TRUNK_UNITS, start=1):
        x = layers.Conv2D(units, config.KERNEL_SIZE, strides=2, padding="same", name=f"conv_{i}")(x)
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, x, name="trunk")


def fit_inputs(table: pd.DataFrame, folder: Path, train: np.ndarray) -> InputSchema:
    """Learn nothing: images are scaled from 0 to 255."""
    return InputSchema()


def encode_inputs(table: pd.DataFrame, folder: Path, schema: InputSchema) -> dict[str, np.ndarray]:
    """Read the image files that a table names: uint8, (rows, height, width, channels), by input.

    Paths are relative to the table's folder. Other sizes and color modes are converted.
    """
    cells = pick(table, {name: name for name in config.INPUTS})
    arrays = {}
    for name, shape in config.INPUTS.items():
        arrays[name] = np.empty((len(table), *shape), "uint8")
        for i, (row, cell) in enumerate(cells[name].items()):
            where = f"row {row + 1}, column '{name}'"
            arrays[name][i] = read_image(cell, folder, shape, where)
    return arrays


def read_image(cell: Any, folder: Path, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Read one image file as an array of a shape. Raises InputError."""
    if pd.isna(cell):
        raise InputError(f"{where}: the cell is empty; write the path of an image file")
    height, width, channels = shape
    try:
        with Image.open(folder / str(cell)) as image:
            if image.mode[0] in "IF":
                raise ValueError(f"it has more than 8 bits a channel (mode {image.mode})")
            pixels = image.convert(MODES[channels]).resize((width, height))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{where}: '{cell}' cannot be read as an image: {error}") from None
    return np.asarray(pixels).reshape(shape)


# A sample image shows each hidden factor as the brightness of a channel.
FACTORS = config.CHANNELS


def sample_columns(
    name: str, factors: np.ndarray, folder: Path, rng: np.random.Generator
) -> dict[str, Any]:
    """Write noisy images that show hidden factors, (rows, FACTORS), and make their column."""
    (folder / name).mkdir(exist_ok=True)
    paths = [f"{name}/{row:05}.png" for row in range(len(factors))]
    for path, levels in zip(paths, factors, strict=True):
        pixels = 255 * (levels + rng.normal(0, 0.1, config.INPUTS[name]))
        Image.fromarray(pixels.clip(0, 255).astype("uint8").squeeze()).save(folder / path)
    return {name: paths}
