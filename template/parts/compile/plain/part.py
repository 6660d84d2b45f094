from collections.abc import Sequence

import keras

from . import config
from .epochs import EpochModel
from .kinds import AnyKind


def compile_model(
    network: keras.Model, tasks: Sequence[AnyKind], learning_rate: float
) -> keras.Model:
    """Give a network its losses, metrics and optimizer."""
    model = EpochModel(network)
    model.compile(
        optimizer=config.OPTIMIZER,
        loss={task.name: task.loss() for task in tasks},
        loss_weights={task.name: task.loss_weight for task in tasks},
        weighted_metrics={task.name: task.metrics() for task in tasks},
    )
    model.optimizer.learning_rate = learning_rate
    return model
