from dataclasses import dataclass

import keras

from . import config
from .kinds import Regression


@dataclass(frozen=True)
class HuberRegression(Regression):
    """A number, learned by the Huber loss: errors beyond HUBER_DELTA deviations count linearly."""

    @property
    def loss_weight(self) -> float:
        """What makes a small error count as its square, in deviations of the labels."""
        return 2 / self.scale**2

    def loss(self) -> keras.losses.Loss:
        """Create the loss, a mean over labeled rows."""
        delta = config.HUBER_DELTA * self.scale
        return keras.losses.Huber(delta=delta, reduction="mean_with_sample_weight")
