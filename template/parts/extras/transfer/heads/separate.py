import re
from collections.abc import Sequence
from typing import Any

import keras

from . import config


def copy_heads(
    source: keras.Model, tasks: Sequence[dict[str, Any]], network: keras.Model
) -> list[str]:
    """Copy heads from a network of some tasks; return the names of their tasks."""
    copied = []
    for task in config.TASKS:
        theirs, ours = (head(each, task.name) for each in (source, network))
        if vars(task) in tasks and sizes(theirs) == sizes(ours):
            for name, layer in ours.items():
                layer.set_weights(theirs[name].get_weights())
            copied.append(task.name)
    return copied


def head(network: keras.Model, task: str) -> dict[str, keras.Layer]:
    """Find the layers of a task's head."""
    pattern = rf"{task}_(hidden_\d+|logits)|shared_output"
    return {layer.name: layer for layer in network.layers if re.fullmatch(pattern, layer.name)}


def sizes(layers: dict[str, keras.Layer]) -> dict[str, list[tuple[int, ...]]]:
    """List the shapes of the weights of each layer."""
    return {name: [w.shape for w in layer.weights] for name, layer in layers.items()}
