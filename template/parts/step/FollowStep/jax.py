import itertools
from typing import Any

import jax
import keras

from .kinds import Tensor
from .multi_task import MultiTaskModel


class FollowStep(MultiTaskModel):
    """Show the weighting the losses of a batch again after the step, in `follow(losses, after)`."""

    def train_step(self, state: Any, data: Any) -> tuple[dict[str, Tensor], Any]:
        """Train on a batch; return the logs and the new state."""
        trainable, others, optimizer, measured = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

        def forward(trainable: list[Tensor]) -> Any:
            with self.scope(trainable, others, measured) as scope:
                y_pred = self(x, training=True)
                losses = self.measure(y, y_pred, sample_weight)
                total = self.total(losses, training=True)
            return total, (losses, y_pred, self.state(scope))

        differentiate = jax.value_and_grad(forward, has_aux=True)
        (total, (losses, y_pred, kept)), steps = differentiate(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
        with self.scope(trainable, *kept) as scope:
            after = self.measure(y, self(x, training=True), sample_weight)
            self.weighting.follow(losses, after)
            self.metrics[0].update_state(total)
            logs = self.compute_metrics(x, y, y_pred, sample_weight)
        others, measured = self.state(scope)
        return logs, (trainable, others, optimizer, measured)

    def scope(self, *values: list[Tensor]) -> keras.StatelessScope:
        """Give values to the trainable variables, the others, and those of metrics."""
        variables = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        pairs = zip(itertools.chain(*variables), itertools.chain(*values), strict=True)
        return keras.StatelessScope(state_mapping=list(pairs), collect_losses=True)

    def state(self, scope: keras.StatelessScope) -> list[list[Tensor]]:
        """Read the values of the other variables, and of those of metrics, after a scope."""
        variables = (self.non_trainable_variables, self.metrics_variables)
        return [[scope.get_current_value(v) for v in group] for group in variables]
