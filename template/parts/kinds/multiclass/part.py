from dataclasses import dataclass

import keras
import numpy as np

from .kinds import ClassKind


@dataclass(frozen=True)
class Multiclass(ClassKind):
    """One of several classes; the prediction is the probability of each."""

    activation = "softmax"
    loss_class = keras.losses.SparseCategoricalCrossentropy
    row_metrics = {"accuracy": keras.metrics.sparse_categorical_accuracy}
    scores = {"accuracy": lambda y, p: np.mean(p.argmax(axis=1) == y[:, 0])}
