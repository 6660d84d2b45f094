from collections.abc import Sequence

import keras

from . import config
from .kinds import AnyKind
from .train import Model


def compile_model(
    network: keras.Model, tasks: Sequence[AnyKind], learning_rate: float
) -> keras.Model:
    """Wrap a network in a model that weights its losses."""
    model = Model(network, tasks)
    model.compile(optimizer=config.OPTIMIZER)
    model.optimizer.learning_rate = learning_rate
    return model
