from collections.abc import Sequence
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

    def likely(self, predicted: np.ndarray) -> np.ndarray:
        """Name the likely class of each row."""
        return np.array(self.classes, dtype=object)[predicted.argmax(axis=1)]

    def sample_labels(self, values: np.ndarray) -> Sequence[object]:
        """Make sample labels from standardized values."""
        bounds = np.quantile(values, np.arange(1, self.width) / self.width)
        return [f"class_{level:03}" for level in np.digitize(values, bounds)]
