from typing import Any

import keras

from .kinds import Tensor
from .multi_task import MultiTaskModel


class FollowStep(MultiTaskModel):
    """Show the weighting the losses of a batch after the step too, by its method `follow`."""

    def train_batch(self, state: Any, data: Any) -> tuple[dict[str, Tensor], Any]:
        """Train on a batch; return the logs and the new state."""
        logs, (trainable, others, *rest) = super().train_batch(state, data)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        variables = [*self.trainable_variables, *self.non_trainable_variables]
        values = zip(variables, [*trainable, *others], strict=True)
        with keras.StatelessScope(state_mapping=list(values)) as scope:
            self.weighting.follow(self.measure(y, self(x, training=True), sample_weight))
        others = [scope.get_current_value(v) for v in self.non_trainable_variables]
        return logs, (trainable, others, *rest)
