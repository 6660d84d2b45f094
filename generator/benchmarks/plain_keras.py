"""Build the default project's networks by hand in plain Keras, for comparison.

They are what a good engineer writes first: functional models, an output per task, `fit` with its
defaults. The metrics and the weights for missing labels are those of the generated project.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, metrics


def build(kind: str, examples: np.ndarray, mean: float, std: float) -> keras.Model:
    """Build three heads on a trunk of 64 and 32 units; the regression keeps its unit.

    Args:
        kind: what the examples are: "features", "sequence", "image" or "text".
        examples: training rows.
        mean: mean of the regression's labels.
        std: their deviation.
    """
    inputs, x = encoded(kind, examples)
    hidden = [layers.Dense(16, activation="relu")(x) for _ in range(3)]
    standardized = layers.Dense(1)(hidden[0])
    outputs = {
        "task_1": layers.Rescaling(std, mean, name="task_1")(standardized),
        "task_2": layers.Dense(1, activation="sigmoid", name="task_2")(hidden[1]),
        "task_3": layers.Dense(3, activation="softmax", name="task_3")(hidden[2]),
    }
    return keras.Model(inputs, outputs)


def bound(kind: str, examples: np.ndarray, outputs: int) -> keras.Model:
    """Build the same trunk with one `Dense`, one loss and no metrics."""
    inputs, x = encoded(kind, examples)
    model = keras.Model(inputs, layers.Dense(outputs)(x))
    model.compile(optimizer="adam", loss="mse")
    return model


def encoded(kind: str, examples: np.ndarray) -> tuple[Any, Any]:
    """Return input and encoding."""
    inputs = keras.Input(examples.shape[1:], dtype=examples.dtype.name)
    encode = {"features": dense, "sequence": lstm, "image": convolutions, "text": read_bytes}[kind]
    return inputs, encode(inputs, examples)


def normalized(inputs: Any, examples: np.ndarray) -> Any:
    """Scale numbers to mean 0 and deviation 1."""
    normalization = layers.Normalization()
    normalization.adapt(examples)
    return normalization(inputs)


def dense(inputs: Any, examples: np.ndarray) -> Any:
    """Encode features."""
    x = layers.Dense(64, activation="relu")(normalized(inputs, examples))
    return layers.Dense(32, activation="relu")(x)


def lstm(inputs: Any, examples: np.ndarray) -> Any:
    """Encode sequences."""
    return layers.Dense(32, activation="relu")(layers.LSTM(64)(normalized(inputs, examples)))


def convolutions(inputs: Any, examples: np.ndarray) -> Any:
    """Encode images."""
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for filters in (64, 32):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    return layers.GlobalAveragePooling2D()(x)


def read_bytes(inputs: Any, examples: np.ndarray) -> Any:
    """Encode texts."""
    x = layers.Embedding(257, 16, mask_zero=True)(inputs)
    return layers.Dense(32, activation="relu")(layers.LSTM(64)(x))


def compiled(model: keras.Model, std: float) -> keras.Model:
    """Compile with one loss and the usual metrics per task."""
    weighted_metrics: dict[str, list[Any]] = {
        "task_1": [metrics.MeanAbsoluteError(), metrics.R2Score()],
        "task_2": [metrics.AUC(), metrics.BinaryAccuracy()],
        "task_3": [metrics.SparseCategoricalAccuracy()],
    }
    model.compile(
        optimizer="adam",
        loss={
            "task_1": "mse",
            "task_2": "binary_crossentropy",
            "task_3": "sparse_categorical_crossentropy",
        },
        loss_weights={"task_1": 1 / std**2, "task_2": 1.0, "task_3": 1.0},
        weighted_metrics=weighted_metrics,
    )
    return model


def many_heads(features: np.ndarray, tasks: int, measured: bool = True) -> keras.Model:
    """Build 64 → 128 → 64 and a `Dense(1)` per task, each with a loss and the usual metrics."""
    inputs, x = wide(features)
    outputs = {f"t{i}": layers.Dense(1, name=f"t{i}")(x) for i in range(tasks)}
    model = keras.Model(inputs, outputs)
    names = outputs if measured else ()
    model.compile(
        optimizer="adam",
        loss=dict.fromkeys(outputs, "mse"),
        metrics={name: [metrics.MeanAbsoluteError(), metrics.R2Score()] for name in names},
    )
    return model


def one_output(features: np.ndarray, tasks: int) -> keras.Model:
    """Build the same with one `Dense(tasks)` and one loss."""
    inputs, x = wide(features)
    model = keras.Model(inputs, layers.Dense(tasks)(x))
    model.compile(optimizer="adam", loss="mse")
    return model


def wide(features: np.ndarray) -> tuple[Any, Any]:
    """Return input and encoding of these two."""
    inputs = keras.Input((features.shape[1],))
    x = layers.Dense(128, activation="relu")(normalized(inputs, features))
    return inputs, layers.Dense(64, activation="relu")(x)
