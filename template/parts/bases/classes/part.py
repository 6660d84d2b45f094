from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from keras import layers

from . import InputError
from .kinds import Kind, Tensor
from .tables import find_positions, listed, spell


@dataclass(frozen=True)
class ClassKind(Kind):
    """A task whose labels are names of classes; `shares`: how often each occurs in training."""

    classes: Sequence[str] = ()
    shares: Sequence[float] = ()

    activation: ClassVar[str]

    def names(self, cells: pd.Series) -> pd.Series:
        """Spell the class of each labeled cell."""
        return cells.map(spell)

    def fit(self, cells: pd.Series, train: np.ndarray) -> Self:
        """Learn the classes from all rows (0, 1, ... or names), their shares from training rows."""
        count, names = max(2, self.width), self.names(cells.dropna())
        found, classes = names.value_counts().index, [str(i) for i in range(count)]
        classes = classes if set(found) <= set(classes) else sorted(found)
        if len(classes) != count:
            rare = f"row {names.index[names == found[-1]][0] + 1}, " if len(found) > count else ""
            what = f"{rare}column '{self.name}': found {len(classes)} classes ({listed(classes)})"
            raise InputError(f"{what}, but config.py says {count}; correct one of them")
        known = cells.iloc[train].dropna()
        shares = self.names(known).value_counts().reindex(classes, fill_value=0) / len(known)
        return replace(self, classes=classes, shares=shares.tolist())

    def encode(self, cells: pd.Series) -> np.ndarray:
        """Encode labels as class indices: (rows, 1)."""
        return find_positions(self.names(cells), self.classes)[:, None]

    def output(self, logits: Tensor) -> Tensor:
        """Turn logits into probabilities."""
        return layers.Activation(self.activation, name=self.name, dtype="float32")(logits)

    def baseline(self, score: str) -> Sequence[float]:
        """Return the constant prediction that has the best score."""
        return self.shares[-self.width :]

    def likely(self, predicted: np.ndarray) -> np.ndarray:
        """Return the most probable class of each row."""
        places = predicted.argmax(axis=1) if self.width > 1 else (predicted[:, 0] > 0.5).astype(int)
        return np.array(self.classes, dtype=object)[places]

    def columns(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Return the columns that predictions, (rows, width), add to a table, by name."""
        names = [f"{self.name}_probability_{name}" for name in self.classes[-self.width :]]
        likely = {f"{self.name}_predicted": self.likely(predicted)}
        return likely | dict(zip(names, predicted.T, strict=True))

    def sample_labels(self, values: np.ndarray) -> Sequence[object]:
        """Make sample labels from standardized values."""
        return [f"class_{i:03}" for i in pd.qcut(values, max(2, self.width), labels=False)]
