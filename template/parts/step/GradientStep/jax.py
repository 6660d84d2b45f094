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

    def train_batch(self, state: Any, data: Any) -> tuple[dict[str, Tensor], Any]:
        """Train on a batch; return the logs and the new state."""
        trainable, others, optimizer, measured = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        shared = [i for i, v in enumerate(self.trainable_variables) if v.path in self.shared]

        def forward(trainable: list[Tensor]) -> Any:
            total, (_, y_pred, *updated) = self.compute_loss_and_updates(
                trainable, others, measured, x, y, sample_weight, True, optimizer
            )
            return (self.measure(y, y_pred, sample_weight), total), (y_pred, *updated)

        def task_gradients(task: Tensor) -> list[Tensor]:
            [gradients] = pull_back((task, ops.zeros_like(total)))
            return [gradients[i] for i in shared]

        (losses, total), pull_back, aux = jax.vjp(forward, trainable, has_aux=True)
        [steps] = pull_back((ops.zeros_like(losses), ops.ones_like(total)))
        y_pred, others, measured = aux
        groups = self.non_trainable_variables, self.metrics_variables
        values = zip(groups[0] + groups[1], others + measured, strict=True)
        with keras.StatelessScope(state_mapping=list(values)) as scope:
            if shared:  # else all that tasks share is frozen
                # One task after the other: cuDNN's LSTM cannot be vectorized.
                by_task = jax.lax.map(task_gradients, ops.eye(len(self.tasks)))
                products = layer_products([self.trainable_variables[i] for i in shared], by_task)
                changes = self.weighting.weigh(products, losses) - 1  # the total has 1 of each
                for i, gradient in zip(shared, by_task, strict=True):
                    steps[i] += ops.tensordot(changes, gradient, 1)
            self.metrics[0].update_state(total)
            logs = self.compute_metrics(x, y, y_pred, sample_weight)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
        others, measured = ([scope.get_current_value(v) for v in group] for group in groups)
        return logs, (trainable, others, optimizer, measured)
