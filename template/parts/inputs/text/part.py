from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from . import config
from .tables import pick


@dataclass(frozen=True)
class InputSchema:
    """What the training rows say about the texts: nothing."""

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "InputSchema":
        """Read what schema.json has."""
        return cls()

    def summary(self) -> str:
        """List what the network reads."""
        return f"Texts, bytes kept: {config.INPUTS}"


def input_layers(schema: InputSchema) -> dict[str, keras.KerasTensor]:
    """Create the inputs of the network, (batch, bytes) each."""
    return {
        name: keras.Input(shape, dtype="int32", name=name) for name, shape in config.INPUTS.items()
    }


def trunk(schema: InputSchema) -> keras.Model:
    """Build an embedding of bytes, an LSTM that skips the padding, then dense layers."""
    inputs = keras.Input((None,), dtype="int32", name="text")
    # Keras's own start, within 0.05, shows an LSTM next to nothing.
    apart = keras.initializers.RandomNormal(stddev=1.0)
    embed = layers.Embedding(257, config.EMBEDDING_DIM, apart, mask_zero=True, name="embedding")
    x = embed(inputs)
    x = layers.LSTM(config.TRUNK_UNITS[0], name="lstm")(x)
    for i, units in enumerate(config.TRUNK_UNITS[1:], start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{i}")(x)
    return keras.Model(inputs, x, name="trunk")


def fit_inputs(table: pd.DataFrame, folder: Path, train: np.ndarray) -> InputSchema:
    """Learn nothing: every byte is known."""
    return InputSchema()


def encode_inputs(table: pd.DataFrame, folder: Path, schema: InputSchema) -> dict[str, np.ndarray]:
    """Encode texts as UTF-8 bytes plus one, then zeros: int32, (rows, bytes), by input.

    A missing text is empty.
    """
    cells = pick(table, {name: name for name in config.INPUTS})
    arrays = {}
    for name, (length,) in config.INPUTS.items():
        arrays[name] = np.zeros((len(table), length), "int32")
        texts = cells[name].astype(object).where(cells[name].notna(), "").astype(str)
        for i, text in enumerate(texts):
            encoded = np.frombuffer(text.encode()[:length], "uint8")
            arrays[name][i, : len(encoded)] = encoded.astype("int32") + 1
    return arrays


# A sample text shows its hidden factor as the share of "sun" among its words.
FACTORS = 1


def sample_columns(
    name: str, factors: np.ndarray, folder: Path, rng: np.random.Generator
) -> dict[str, Any]:
    """Make texts that show hidden factors, (rows, FACTORS), the words in any order."""
    words = min(12, max(1, config.INPUTS[name][0] // 4))
    counts = np.rint(words * factors[:, 0]).astype(int)
    texts = (["sun"] * count + ["fog"] * (words - count) for count in counts)
    return {name: [" ".join(rng.permutation(text)) for text in texts]}
