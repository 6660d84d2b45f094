from collections.abc import Sequence

from keras import layers

from . import config
from .kinds import AnyKind, Tensor


def heads(encodings: dict[str, Tensor], tasks: Sequence[AnyKind]) -> dict[str, Tensor]:
    """Add private hidden layers for each task, then one output layer that all tasks use."""
    shared = layers.Dense(tasks[0].width, name="shared_output")
    outputs = {}
    for task in tasks:
        x = encodings[task.name]
        for i, units in enumerate(config.HEAD_UNITS, start=1):
            x = layers.Dense(units, activation="relu", name=f"{task.name}_hidden_{i}")(x)
        outputs[task.name] = task.output(shared(x))
    return outputs
