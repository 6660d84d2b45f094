import itertools
from collections.abc import Sequence
from typing import Any

import jax
import keras
from keras import ops

from .kinds import AnyKind, Tensor
from .multi_task import MultiTaskModel
from .step import layer_products, shared_paths


class GradientStep(MultiTaskModel):
    """Weight the gradients of the tasks in variables that they share.

    The weighting has `weigh(products, losses)`: from the inner products of the tasks' gradients in
    each shared layer, (layers, tasks, tasks), to what each gradient counts there, (tasks,). Other
    variables take the gradient of the total.
    """

    def __init__(self, network: keras.Model, tasks: Sequence[AnyKind]) -> None:
        super().__init__(network, tasks)
        self.shared = shared_paths(network)

    def train_step(self, state: Any, data: Any) -> tuple[dict[str, Tensor], Any]:
        """Train on a batch; return the logs and the new state."""
        trainable, others, optimizer, measured = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        shared = [i for i, v in enumerate(self.trainable_variables) if v.path in self.shared]

        def forward(trainable: list[Tensor]) -> Any:
            with self.scope(trainable, others, measured) as scope:
                y_pred = self(x, training=True)
                losses = self.measure(y, y_pred, sample_weight)
                total = self.total(losses, training=True)
            return (losses, total), (y_pred, self.state(scope))

        (losses, total), pull_back, (y_pred, kept) = jax.vjp(forward, trainable, has_aux=True)

        def task_gradients(task: Tensor) -> list[Tensor]:
            [gradients] = pull_back((task, ops.zeros_like(total)))
            return [gradients[i] for i in shared]

        [steps] = pull_back((ops.zeros_like(losses), ops.ones_like(total)))
        with self.scope(trainable, *kept) as scope:
            if shared:  # else all that tasks share is frozen
                # One task after the other: cuDNN's LSTM cannot be vectorized.
                by_task = jax.lax.map(task_gradients, ops.eye(len(self.tasks)))
                variables = [self.trainable_variables[i] for i in shared]
                weights = self.weighting.weigh(layer_products(variables, by_task), losses)
                for i, gradients in zip(shared, by_task, strict=True):
                    steps[i] += ops.tensordot(weights - 1, gradients, 1)  # the total has 1 of each
            self.metrics[0].update_state(total)
            logs = self.compute_metrics(x, y, y_pred, sample_weight)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
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
