import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from .kinds import ClassKind
from .report import Curve, calibration, describe, draw_errors, heatmap
from .tables import listed


@describe.register
def _(task: ClassKind) -> str:
    shares = zip(task.classes, task.shares, strict=True)
    return f"{task.count} classes; in training {listed(f'{c} ({s:.0%})' for c, s in shares)}"


@draw_errors.register
def _(task: ClassKind, axes: Axes, labels: np.ndarray, predicted: np.ndarray) -> None:
    names = np.array(task.classes, dtype=object)
    counts = confusion_matrix(names[labels[:, 0].astype(int)], task.likely(predicted), labels=names)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    heatmap(axes, pd.DataFrame(shares, names, names), counts)
    axes.set(title="confusion, in rows", xlabel="predicted", ylabel="label")


@calibration.register
def _(task: ClassKind, labels: np.ndarray, predicted: np.ndarray) -> Curve:
    return calibration_curve(labels.ravel(), predicted.ravel(), n_bins=10, strategy="quantile")
