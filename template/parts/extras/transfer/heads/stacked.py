import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from . import config


@dataclass
class Split:
    """A variable of a stacked head, the parts of its tasks, and the position of one of them."""

    variable: keras.Variable
    axis: int
    parts: list[np.ndarray]
    position: int


def copy_heads(
    source: keras.Model, tasks: Sequence[dict[str, Any]], network: keras.Model
) -> list[str]:
    """Copy heads from a network of some tasks; return the names of their tasks."""
    copied, known = [], [vars(task) for task in config.TASKS]
    for task in (task for task in known if task in tasks):
        theirs, ours = split_head(source, tasks, task), split_head(network, known, task)
        given = [split.parts[split.position] for split in theirs]
        if [a.size for a in given] == [split.parts[split.position].size for split in ours]:
            for split, array in zip(ours, given, strict=True):
                split.parts[split.position] = array.reshape(split.parts[split.position].shape)
                split.variable.assign(np.concatenate(split.parts, split.axis))
            copied.append(task["name"])
    return copied


def split_head(
    network: keras.Model, tasks: Sequence[dict[str, Any]], task: dict[str, Any]
) -> list[Split]:
    """Split the weights of the head that a task has with others, by task."""
    kind, width = task["kind"], task["width"]
    alike = [each for each in tasks if (each["kind"], each["width"]) == (kind, width)]
    pattern, splits = rf"heads_{kind}_{width}_(hidden_\d+|logits)", []
    for layer in network.layers:
        if re.fullmatch(pattern, layer.name):
            axis = 0 if isinstance(layer, keras.layers.EinsumDense) else -1
            for variable in layer.weights:
                parts = np.split(np.array(variable), len(alike), axis)
                splits.append(Split(variable, axis, parts, alike.index(task)))
    return splits
