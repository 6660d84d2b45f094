import numpy as np
from matplotlib.figure import Figure

from .kinds import Regression
from .report import as_image, describe, show_errors


@describe.register
def _(task: Regression) -> str:
    return f"A number; {task.mean:.4g} ± {task.scale:.4g} in training."


@show_errors.register
def _(task: Regression, labels: np.ndarray, predicted: np.ndarray) -> str:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot(title="residuals", xlabel="predicted", ylabel="label - predicted")
    axes.plot(predicted, labels - predicted, ".", markersize=3, alpha=0.5)
    axes.axhline(0, color="black", linewidth=1)
    return as_image(figure)
