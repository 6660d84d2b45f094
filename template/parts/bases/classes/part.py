from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from keras import layers

from . import InputError
from .kinds import Kind, Tensor
from .tables import listed, spell


@dataclass(frozen=True)
class ClassKind(Kind):
    """A task whose labels are names of classes; `shares`: how often each occurs in training."""

    classes: Sequence[str] = ()
    shares: Sequence[float] = ()

    activation: ClassVar[str]

    @property
    def count(self) -> int:
        """Number of classes; of two, the prediction is the probability of the second."""
        return max(2, self.width)

    def names(self, cells: pd.Series) -> pd.Series:
        """Spell the class of each labeled cell."""
        return cells.map(spell)

    def fit(self, cells: pd.Series, train: np.ndarray) -> Self:
        """Learn the classes from all rows (0, 1, ... or names), their shares from training rows."""
        names = self.names(cells.dropna())
        found, classes = names.value_counts().index, [str(i) for i in range(self.count)]
        classes = classes if set(found) <= set(classes) else sorted(found)
        if len(classes) != self.count:
            where = f"column '{self.name}', row {names.index[names == found[-1]][0] + 1}"
            what = f"'{found[-1]}' is class {len(found)} of {listed(found)}"
            raise InputError(f"{where}: {what}, but config.py says {self.count}; correct it")
        fitted = replace(self, classes=classes)
        labels = fitted.encode(cells.iloc[train].dropna())
        return replace(fitted, shares=fitted.count_shares(labels).tolist())

    def count_shares(self, labels: np.ndarray) -> np.ndarray:
        """Measure how often each class occurs."""
        return np.bincount(labels[:, 0], minlength=self.count) / len(labels)

    def encode(self, cells: pd.Series) -> np.ndarray:
        """Read labeled cells as positions among the classes: (rows, 1)."""
        return self.codes(self.names(cells))[:, None]

    def codes(self, names: pd.Series) -> np.ndarray:
        """Look up the position of each name among the classes. Raises InputError."""
        codes = pd.Index(self.classes, dtype=object).get_indexer(names)
        if (codes < 0).any():
            row, name = names.index[codes < 0][0] + 1, names[codes < 0].iloc[0]
            where = f"row {row}, column '{self.name}'"
            raise InputError(f"{where}: '{name}' is unknown; write one of {listed(self.classes)}")
        return codes

    def output(self, logits: Tensor) -> Tensor:
        """Turn logits into probabilities."""
        return layers.Activation(self.activation, name=self.name, dtype="float32")(logits)

    def baseline(self, score: str) -> Sequence[float]:
        """Return the constant prediction that has the best score."""
        return self.shares[-self.width :]

    def likely(self, predicted: np.ndarray) -> np.ndarray:
        """Name the likely class of each row."""
        return np.array(self.classes, dtype=object)[predicted.argmax(axis=1)]

    def columns(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Name the columns that predictions, (rows, width), add to a table."""
        classes = self.classes[-self.width :]
        names = [f"{self.name}_probability_{name}" for name in classes]
        likely = {f"{self.name}_predicted": self.likely(predicted)}
        return likely | dict(zip(names, predicted.T, strict=True))

    def sample_labels(self, values: np.ndarray) -> Sequence[object]:
        """Make sample labels from standardized values."""
        bounds = np.quantile(values, np.arange(1, self.count) / self.count)
        return [f"class_{level:03}" for level in np.digitize(values, bounds)]
