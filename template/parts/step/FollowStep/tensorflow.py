from typing import Any

import keras
import tensorflow as tf

from .kinds import Tensor
from .multi_task import MultiTaskModel


class FollowStep(MultiTaskModel):
    """Show the weighting the losses of a batch again after the step, in `follow(losses, after)`."""

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Train on a batch; return the logs."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            losses = self.measure(y, y_pred, sample_weight)
            total = self.total(losses, training=True)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(total, variables), variables)
        after = self.measure(y, self(x, training=True), sample_weight)
        self.weighting.follow(losses, after)
        self.metrics[0].update_state(total)
        return self.compute_metrics(x, y, y_pred, sample_weight)
