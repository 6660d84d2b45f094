import numpy as np
from matplotlib.axes import Axes

from .kinds import Regression
from .report import Curve, calibration, describe, draw_errors


@describe.register
def _(task: Regression) -> str:
    return f"a number; {task.mean:.4g} ± {task.scale:.4g} in training"


@draw_errors.register
def _(task: Regression, axes: Axes, labels: np.ndarray, predicted: np.ndarray) -> None:
    some = np.random.default_rng(0).permutation(len(labels))[:5000]
    axes.scatter(predicted[some], (labels - predicted)[some], s=8, alpha=0.5)
    axes.axhline(0, color="black", linewidth=1)
    axes.set(title="residuals", xlabel="predicted", ylabel="label - predicted")


@calibration.register
def _(task: Regression, labels: np.ndarray, predicted: np.ndarray) -> Curve:
    tenths = np.array_split(np.argsort(predicted[:, 0]), min(10, len(predicted)))
    observed, expected = ([x[rows].mean() for rows in tenths] for x in (labels, predicted))
    return np.array(observed), np.array(expected)
