from collections.abc import Sequence

import keras

from . import config
from .kinds import AnyKind


def compile_model(
    network: keras.Model, tasks: Sequence[AnyKind], learning_rate: float, steps: int
) -> keras.Model:
    """Give a network its loss, metrics and optimizer, for epochs of `steps` batches."""
    [task] = tasks
    network.compile(
        optimizer=config.OPTIMIZER,
        loss={task.name: task.loss()},
        loss_weights={task.name: task.loss_weight},
        weighted_metrics={task.name: task.metrics(prefix=f"{task.name}_")},  # Keras adds none
        steps_per_execution=min(steps, 16),  # most of a small step's time is Python
    )
    network.optimizer.learning_rate = learning_rate
    return network
