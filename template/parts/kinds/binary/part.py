from dataclasses import dataclass

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from .kinds import ClassKind


@dataclass(frozen=True)
class Binary(ClassKind):
    """One of two classes; the prediction is the probability of the second."""

    activation = "sigmoid"
    loss_class = keras.losses.BinaryCrossentropy
    row_metrics = {"accuracy": keras.metrics.binary_accuracy}
    scores = {"auc": roc_auc_score, "accuracy": lambda y, p: np.mean((p > 0.5) == y)}

    def metrics(self, prefix: str = "") -> list[keras.metrics.Metric]:
        """Create the metrics logged each epoch."""
        return [*super().metrics(prefix), keras.metrics.AUC(name=f"{prefix}auc")]
