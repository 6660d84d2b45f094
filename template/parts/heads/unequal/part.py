from collections.abc import Sequence

from keras import layers

from . import config
from .kinds import AnyKind, Tensor


def heads(encodings: dict[str, Tensor], tasks: Sequence[AnyKind]) -> dict[str, Tensor]:
    """Add a private head of its own size for each task: hidden layers, then its width."""
    outputs = {}
    for task in tasks:
        x = encodings[task.name]
        for i, units in enumerate(config.HEAD_UNITS[task.name], start=1):
            x = layers.Dense(units, activation="relu", name=f"{task.name}_hidden_{i}")(x)
        logits = layers.Dense(task.width, name=f"{task.name}_logits")(x)
        outputs[task.name] = task.output(logits)
    return outputs
