import numpy as np
from sklearn.metrics import PredictionErrorDisplay

from .kinds import Regression
from .report import describe, picture, show_errors


@describe.register
def _(task: Regression) -> str:
    return f"A number; {task.mean:.4g} ± {task.scale:.4g} in training."


@show_errors.register
def _(task: Regression, labels: np.ndarray, predicted: np.ndarray) -> str:
    kinds = [{"kind": f"{what}_vs_predicted", "random_state": 0} for what in ("actual", "residual")]
    return "".join(picture(PredictionErrorDisplay, labels, predicted, **kind) for kind in kinds)
