from typing import Any

import keras

from .kinds import Tensor
from .multi_task import MultiTaskModel


class FollowStep(MultiTaskModel):
    """Show the weighting the losses of a batch after the step too, by its method `follow`."""

    def train_batch(self, data: Any) -> dict[str, Tensor]:
        """Train on a batch; return the logs."""
        logs = super().train_batch(data)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        self.weighting.follow(self.measure(y, self(x, training=True), sample_weight))
        return logs
