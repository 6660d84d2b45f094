from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from .kinds import ClassKind
from .tables import find_positions, spell


@dataclass(frozen=True)
class Multilabel(ClassKind):
    """Any of several classes; the prediction is the probability of each.

    A cell has names between bars, or a list; `|` alone stands for none of them.
    """

    activation = "sigmoid"
    loss_class = keras.losses.BinaryCrossentropy
    row_metrics = {"accuracy": keras.metrics.binary_accuracy}
    scores = {"auc": lambda y, p: np.nanmean(roc_auc_score(y, p, average=None))}

    def names(self, cells: pd.Series) -> pd.Series:
        """Spell the classes of labeled cells, a row for each."""
        return cells.map(label_names).explode().dropna()

    def encode(self, cells: pd.Series) -> np.ndarray:
        """Read labeled cells as 1 for each of their classes, else 0: (rows, classes)."""
        names = self.names(cells)
        labels = np.zeros((len(cells), self.width))
        positions = find_positions(names, self.classes)
        labels[cells.index.get_indexer(names.index), positions] = 1.0
        return labels

    def metrics(self, prefix: str = "") -> list[keras.metrics.Metric]:
        """Create the metrics logged each epoch."""
        auc = keras.metrics.AUC(multi_label=True, num_labels=self.width, name=f"{prefix}auc")
        return [*super().metrics(prefix), auc]

    def likely(self, predicted: np.ndarray) -> np.ndarray:
        """Name the likely classes of each row."""
        classes = np.array(self.classes, dtype=object)
        return np.array(["|".join(classes[row > 0.5]) or "|" for row in predicted], dtype=object)

    def sample_labels(self, values: np.ndarray) -> Sequence[object]:
        """Make sample labels from standardized values."""
        bounds = np.quantile(values, np.arange(1, self.width + 1) / (self.width + 1))
        passed = np.digitize(values, bounds)
        return ["|".join(f"label_{i:03}" for i in range(level)) or "|" for level in passed]


def label_names(cell: Any) -> list[str]:
    """Split a cell into the names of its classes."""
    parts = cell.split("|") if isinstance(cell, str) else np.atleast_1d(cell)
    return [name for name in map(spell, parts) if name]
