from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

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

    def train_batch(self, data: Any) -> dict[str, Tensor]:
        """Train on a batch; return the logs."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.trainable_variables
        values = [v.value for v in variables]  # TensorFlow makes no zeros like a Keras variable
        shared = [i for i, v in enumerate(variables) if v.path in self.shared]
        with tf.GradientTape(persistent=True) as tape:
            y_pred = self(x, training=True)
            losses = self.measure(y, y_pred, sample_weight)
            by_task, total = tf.unstack(losses), self.total(losses, training=True)

        def gradients(loss: Tensor, of: Sequence[Tensor]) -> list[Tensor]:
            found = tape.gradient(loss, of, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return [tf.convert_to_tensor(gradient) for gradient in found]

        steps = gradients(total, values)
        if shared:  # else all that tasks share is frozen
            rows = [gradients(loss, [values[i] for i in shared]) for loss in by_task]
            stacked = [tf.stack(row) for row in zip(*rows, strict=True)]
            whole = [self.mean(gradient[None]) for gradient in stacked]  # over all devices
            products = layer_products([variables[i] for i in shared], whole)
            weights = self.weighting.weigh(products, losses)
            changes = (weights - 1) * tape.gradient(total, losses)  # the total has 1 of each
            for i, gradient in zip(shared, stacked, strict=True):
                steps[i] += tf.tensordot(changes, gradient, 1)
        self.optimizer.apply(steps, variables)
        self.metrics[0].update_state(total)
        return self.compute_metrics(x, y, y_pred, sample_weight)
