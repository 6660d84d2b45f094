import numpy as np
from keras import layers, ops

from . import config
from .kinds import TASKS, Tensor


def share(encoding: Tensor) -> dict[str, Tensor]:
    """Give each task layers of its own, and after each layer a mixture of all tasks (cross-stitch).

    The layers of all tasks are one batched product: (batch, tasks, units). So is a stitch: row t
    of its kernel, (tasks, tasks), is how much task t takes of each task.

    Reference: Misra, Shrivastava, Gupta and Hebert, "Cross-stitch Networks for Multi-task
    Learning" (CVPR 2016), https://arxiv.org/abs/1604.03539

    Args:
        encoding: What the trunk returns, (batch, features).

    Returns:
        The representation of each task, (batch, units).
    """
    tasks = len(TASKS)
    own = np.eye(tasks)
    x = ops.stack([encoding] * tasks, axis=1)
    for i, units in enumerate(config.EXPERT_UNITS, start=1):
        x = layers.EinsumDense(
            "bsf,sfu->bsu",
            (tasks, units),
            activation="relu",
            bias_axes="su",
            kernel_initializer="lecun_uniform",  # by fan-in: tasks would count as fan-out
            name=f"experts_{i}",
        )(x)
        stitch = layers.EinsumDense("bsu,ts->btu", (tasks, units), name=f"stitch_{i}")
        x = stitch(x)
        stitch.set_weights([0.9 * own + 0.1 / (tasks - 1) * (1 - own)])  # as in the paper
    rows = zip(TASKS, ops.unstack(x, axis=1), strict=True)
    return {task.name: row for task, row in rows}
