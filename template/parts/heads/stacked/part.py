from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from keras import layers, ops

from . import config
from .kinds import AnyKind, Tensor


def heads(encodings: dict[str, Tensor], tasks: Sequence[AnyKind]) -> dict[str, Tensor]:
    """Add one head for each group of tasks: its layers hold the private heads side by side."""
    outputs = {}
    for name, group in group_tasks(tasks).items():
        read = [encodings[task.name] for task in group]
        x = read[0] if all(one is read[0] for one in read) else ops.stack(read, axis=1)
        for i, units in enumerate(config.HEAD_UNITS, start=1):
            x = task_dense(x, len(group), units, name=f"{name}_hidden_{i}", activation="relu")
        logits = task_dense(x, len(group), group[0].width, name=f"{name}_logits")
        predictions = ops.unstack(stack_statistics(name, group).output(logits), axis=1)
        for task, prediction in zip(group, predictions, strict=True):
            outputs[task.name] = layers.Identity(name=task.name, dtype="float32")(prediction)
    return {task.name: outputs[task.name] for task in tasks}


def group_tasks(tasks: Sequence[AnyKind]) -> dict[str, list[AnyKind]]:
    """Group the tasks of one kind and width; a group is named heads_<kind>_<width>."""
    groups: dict[str, list[AnyKind]] = {}
    for named, task in zip(config.TASKS, tasks, strict=True):
        groups.setdefault(f"heads_{named.kind}_{named.width}", []).append(task)
    return groups


def task_dense(x: Tensor, tasks: int, units: int, name: str, **kwargs: Any) -> Tensor:
    """Apply a dense layer for each task; return (batch, tasks, units).

    x: (batch, tasks, features), or (batch, features) where all tasks read the same.
    """
    # By fan-in: the units of all tasks count as fan-out, which would make many tasks start small.
    kwargs |= {"kernel_initializer": "lecun_uniform", "name": name}
    if len(x.shape) == 2:
        columns = layers.Dense(tasks * units, **kwargs)(x)
        return layers.Reshape((tasks, units), name=f"{name}_by_task")(columns)
    return layers.EinsumDense("bti,tio->bto", (tasks, units), bias_axes="to", **kwargs)(x)


def stack_statistics(name: str, tasks: Sequence[AnyKind]) -> AnyKind:
    """Make one kind of several tasks, whose statistics are arrays: (tasks, 1)."""
    arrays: dict[str, Any] = {
        field.name: [[getattr(task, field.name)] for task in tasks]
        for field in fields(tasks[0])
        if isinstance(getattr(tasks[0], field.name), float)
    }
    return replace(tasks[0], name=name, **arrays)
