import numpy as np
import pandas as pd
from sklearn.calibration import CalibrationDisplay

from .kinds import ClassKind
from .report import as_table, describe, picture, show_errors
from .tables import listed


@describe.register
def _(task: ClassKind) -> str:
    shares = zip(task.classes, task.shares, strict=True)
    return f"Classes, and their shares in training: {listed(f'{c} {s:.1%}' for c, s in shares)}."


@show_errors.register
def _(task: ClassKind, labels: np.ndarray, predicted: np.ndarray) -> str:
    names = np.array(task.classes, dtype=object)[labels[:, 0].astype(int)]
    counts = pd.crosstab(names, task.likely(predicted), rownames=["label"], colnames=["predicted"])
    meant = predicted.argmax(axis=1) if task.width > 1 else 1  # the class of the probability
    return as_table(counts) + show_calibration(labels[:, 0] == meant, predicted.max(axis=1))


def show_calibration(true: np.ndarray, probability: np.ndarray) -> str:
    """Draw how often predictions were true, by their probability in tenths of the rows."""
    bins = {"n_bins": 10, "strategy": "quantile"}
    return picture(CalibrationDisplay, true, probability.clip(0, 1), **bins)
