from collections.abc import Sequence

import keras
from keras import ops

from .weighting import TaskWeighting, Tensor


class Weighting(TaskWeighting):
    """Project each task's gradient onto the normal plane of the gradients that it conflicts with.

    Each gradient meets those of the other tasks in a random order of its own. Where its product
    with one is negative, its projection onto that one is subtracted. The step is the sum; a weight
    is how much of a task's own gradient is in it. A backward pass of the shared layers for each
    task.

    Yu, Kumar, Gupta, Levine, Hausman and Finn, "Gradient Surgery for Multi-Task Learning"
    (NeurIPS 2020), https://arxiv.org/abs/2001.06782
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.random = keras.random.SeedGenerator()

    def weigh(self, products: Tensor, losses: Tensor) -> Tensor:
        """Return the weights of the tasks' gradients in the step, (tasks,)."""
        order = ops.argsort(keras.random.uniform(products.shape[1:], seed=self.random))
        weights = ops.sum(project(ops.sum(products, axis=0), order), axis=0)
        self.task_weights.assign(weights)
        return weights


def project(products: Tensor, order: Tensor) -> Tensor:
    """Compute how much of each gradient is in each projected one, a row, from inner products.

    order: (tasks, tasks), the task that each one meets first, second and so on.
    """
    tasks = products.shape[0]
    shares = own = ops.eye(tasks)
    for turn in range(tasks):
        other = ops.take(own, order[:, turn], axis=0)
        inner = ops.sum((shares @ products) * other, axis=1)
        square = ops.sum((other @ products) * other, axis=1)
        conflicts = (inner < 0) & (square > 0) & (ops.sum(other * own, axis=1) == 0)
        size = ops.where(conflicts, inner / ops.where(conflicts, square, 1.0), 0.0)
        shares = shares - size[:, None] * other
    return shares
