from dataclasses import dataclass

import keras

from . import config
from .kinds import Binary


@dataclass(frozen=True)
class SmoothedBinary(Binary):
    """One of two classes, learned from labels of which LABEL_SMOOTHING is spread evenly."""

    def loss(self) -> keras.losses.Loss:
        """Create the loss, a mean over labeled rows."""
        return keras.losses.BinaryCrossentropy(
            label_smoothing=config.LABEL_SMOOTHING, reduction="mean_with_sample_weight"
        )
