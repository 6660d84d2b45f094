from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import keras
import numpy as np
import pandas as pd
from keras import layers
from sklearn.metrics import mean_absolute_error, r2_score

from .kinds import Kind, Tensor
from .tables import mean_and_std, to_numbers


@dataclass(frozen=True)
class Regression(Kind):
    """A number, learned in units of the deviation (`scale`) of the training labels."""

    mean: float = 0.0
    median: float = 0.0

    loss_class = keras.losses.MeanSquaredError
    row_metrics = {"mae": keras.losses.mean_absolute_error}
    scores = {"mae": mean_absolute_error, "r2": partial(r2_score, force_finite=False)}
    errors = ("mae",)

    def fit(self, cells: pd.Series, train: np.ndarray) -> Self:
        """Learn mean, deviation and median from the training rows."""
        values = to_numbers(cells.iloc[train].dropna())
        mean, std = mean_and_std(self.name, values)
        return replace(self, mean=mean, scale=std, median=float(np.median(values)))

    def encode(self, cells: pd.Series) -> np.ndarray:
        """Read labeled cells as numbers: (rows, 1)."""
        return to_numbers(cells)[:, None]

    def output(self, logits: Tensor) -> Tensor:
        """Turn standardized predictions into the unit of the column."""
        return layers.Rescaling(self.scale, self.mean, name=self.name, dtype="float32")(logits)

    def baseline(self, score: str) -> Sequence[float]:
        """Return the constant prediction that has the best score."""
        return [self.median if score == "mae" else self.mean]

    def columns(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Return the columns that predictions, (rows, 1), add to a table, by name."""
        return {f"{self.name}_predicted": predicted[:, 0]}

    def sample_labels(self, values: np.ndarray) -> Sequence[object]:
        """Make sample labels from standardized values."""
        return np.round(50 + 10 * values, 2).tolist()
