import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from . import config


def copy_heads(
    source: keras.Model, tasks: Sequence[dict[str, Any]], network: keras.Model
) -> list[str]:
    """Copy heads from a network of some tasks; return the names of their tasks."""
    copied, known = [], [vars(task) for task in config.TASKS]
    for task in [task for task in known if task in tasks]:
        theirs, ours = split_head(source, tasks, task), split_head(network, known, task)
        i, j = position(tasks, task), position(known, task)
        if [parts[i].size for _, parts in theirs] == [parts[j].size for _, parts in ours]:
            for (_, given), (variable, parts) in zip(theirs, ours, strict=True):
                parts[j] = given[i].reshape(parts[j].shape)
                variable.assign(np.concatenate(parts, task_axis(variable)))
            copied.append(task["name"])
    return copied
