from dataclasses import dataclass

import keras
from keras import ops

from . import config
from .kinds import Multiclass, Tensor


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy with labels, positions of classes, that are spread over all classes."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Compute the loss of each row from (..., 1) and (..., classes)."""
        y_true = ops.one_hot(ops.cast(y_true[..., 0], "int32"), y_pred.shape[-1])
        smoothing = config.LABEL_SMOOTHING
        return keras.losses.categorical_crossentropy(y_true, y_pred, label_smoothing=smoothing)


@dataclass(frozen=True)
class SmoothedMulticlass(Multiclass):
    """One of several classes, learned from labels of which LABEL_SMOOTHING is spread evenly."""

    loss_class = SmoothedCrossentropy
