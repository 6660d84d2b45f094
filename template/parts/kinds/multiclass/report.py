import numpy as np
from sklearn.calibration import calibration_curve

from .kinds import Multiclass
from .report import Curve, calibration


@calibration.register
def _(task: Multiclass, labels: np.ndarray, predicted: np.ndarray) -> Curve:
    right = predicted.argmax(axis=1) == labels[:, 0]  # by the probability of the likely class
    return calibration_curve(right, predicted.max(axis=1), n_bins=10, strategy="quantile")
