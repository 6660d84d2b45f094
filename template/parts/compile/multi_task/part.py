from collections.abc import Sequence

import keras

from . import config
from .kinds import AnyKind
from .train import Model


def compile_model(
    network: keras.Model, tasks: Sequence[AnyKind], learning_rate: float, steps: int
) -> keras.Model:
    """Wrap a network in a model that weights its losses, for epochs of `steps` batches."""
    model = Model(network, tasks)
    # Most of a small step's time is Python.
    model.compile(optimizer=config.OPTIMIZER, steps_per_execution=min(steps, 16))
    model.optimizer.learning_rate = learning_rate
    return model
