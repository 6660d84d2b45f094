from collections.abc import Sequence

import keras

from . import config
from .kinds import AnyKind


def compile_model(
    network: keras.Model, tasks: Sequence[AnyKind], learning_rate: float, steps: int
) -> keras.Model:
    """Give a network its losses, metrics and optimizer, for epochs of `steps` batches."""
    network.compile(
        optimizer=config.OPTIMIZER,
        loss={task.name: task.loss() for task in tasks},
        loss_weights={task.name: task.loss_weight for task in tasks},
        weighted_metrics={task.name: task.metrics() for task in tasks},
        steps_per_execution=min(steps, 16),  # most of a small step's time is Python
    )
    network.optimizer.learning_rate = learning_rate
    return network
