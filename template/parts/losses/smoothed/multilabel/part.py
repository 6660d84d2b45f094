from dataclasses import dataclass

import keras

from . import config
from .kinds import Multilabel


@dataclass(frozen=True)
class SmoothedMultilabel(Multilabel):
    """Any of several classes, learned from labels of which LABEL_SMOOTHING is spread evenly."""

    def loss(self) -> keras.losses.Loss:
        """Create the loss, a mean over labeled rows."""
        return keras.losses.BinaryCrossentropy(
            label_smoothing=config.LABEL_SMOOTHING, reduction="mean_with_sample_weight"
        )
