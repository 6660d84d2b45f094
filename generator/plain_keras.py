"""The network of the default answers, written by hand in plain Keras, for the benchmark.

It is what a good engineer writes first: a functional model, an output per task, `fit` with its
defaults. The metrics and the weights for missing labels are those of the generated project.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, metrics


def build(features: np.ndarray, mean: float, std: float) -> keras.Model:
    """Three heads on Dense(64), Dense(32); the regression in its unit."""
    normalization = layers.Normalization()
    normalization.adapt(features)
    inputs = keras.Input((features.shape[1],))
    x = normalization(inputs)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dense(32, activation="relu")(x)
    hidden = [layers.Dense(16, activation="relu")(x) for _ in range(3)]
    standardised = layers.Dense(1)(hidden[0])
    outputs = {
        "task_1": layers.Rescaling(std, mean, name="task_1")(standardised),
        "task_2": layers.Dense(1, activation="sigmoid", name="task_2")(hidden[1]),
        "task_3": layers.Dense(3, activation="softmax", name="task_3")(hidden[2]),
    }
    return keras.Model(inputs, outputs)


def compiled(model: keras.Model, std: float) -> keras.Model:
    """One loss and the usual metrics per task."""
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


def many_heads(features: np.ndarray, tasks: int) -> keras.Model:
    """64 → 128 → 64, then a `Dense(1)` for each task, with its own loss and the usual metrics."""
    inputs, x = trunk(features)
    outputs = {f"t{i}": layers.Dense(1, name=f"t{i}")(x) for i in range(tasks)}
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer="adam",
        loss=dict.fromkeys(outputs, "mse"),
        metrics={name: [metrics.MeanAbsoluteError(), metrics.R2Score()] for name in outputs},
    )
    return model


def one_output(features: np.ndarray, tasks: int) -> keras.Model:
    """The same with one `Dense(tasks)` and one loss: what no model with named tasks can beat."""
    inputs, x = trunk(features)
    model = keras.Model(inputs, layers.Dense(tasks)(x))
    model.compile(optimizer="adam", loss="mse", steps_per_execution=16)
    return model


def trunk(features: np.ndarray) -> tuple[Any, Any]:
    """Input and encoding."""
    normalization = layers.Normalization()
    normalization.adapt(features)
    inputs = keras.Input((features.shape[1],))
    x = layers.Dense(128, activation="relu")(normalization(inputs))
    return inputs, layers.Dense(64, activation="relu")(x)
