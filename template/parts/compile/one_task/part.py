from collections.abc import Sequence

import keras

from . import config
from .epochs import EpochModel
from .kinds import AnyKind


def compile_model(
    network: keras.Model, tasks: Sequence[AnyKind], learning_rate: float
) -> keras.Model:
    """Give a network its loss, metrics and optimizer."""
    [task] = tasks
    model = EpochModel(network)
    model.compile(
        optimizer=config.OPTIMIZER,
        loss={task.name: task.loss()},
        loss_weights={task.name: task.loss_weight},
        weighted_metrics={task.name: task.metrics(prefix=f"{task.name}_")},  # Keras adds none
    )
    model.optimizer.learning_rate = learning_rate
    return model
