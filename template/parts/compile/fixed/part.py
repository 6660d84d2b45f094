from collections.abc import Sequence

import keras

from . import InputError, config
from .epochs import EpochModel
from .kinds import TASKS, AnyKind


def compile_model(
    network: keras.Model, tasks: Sequence[AnyKind], learning_rate: float
) -> keras.Model:
    """Give a network its losses, metrics and optimizer."""
    check_loss_weights()
    model = EpochModel(network)
    model.compile(
        optimizer=config.OPTIMIZER,
        loss={task.name: task.loss() for task in tasks},
        loss_weights={t.name: config.LOSS_WEIGHTS[t.name] * t.loss_weight for t in tasks},
        weighted_metrics={task.name: task.metrics() for task in tasks},
    )
    model.optimizer.learning_rate = learning_rate
    return model


def check_loss_weights() -> None:
    """Raise InputError unless LOSS_WEIGHTS of config.py has a positive number for each task."""
    weights = config.LOSS_WEIGHTS
    if set(weights) != {task.name for task in TASKS} or not all(
        isinstance(weight, int | float) and 0 < weight < 1e6 for weight in weights.values()
    ):
        raise InputError(
            f"LOSS_WEIGHTS of config.py is {weights}; give each task a positive number"
        )
