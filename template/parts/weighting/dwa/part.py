from collections.abc import Sequence

import numpy as np
from keras import ops

from .weighting import TaskWeighting, Tensor, number


class Weighting(TaskWeighting):
    """Give more weight to a task whose loss falls more slowly: dynamic weight average.

    In epoch t the weights are T softmax(r / τ), where r = L(t-1) / L(t-2) is the ratio of a task's
    mean losses in the two epochs before, T the number of tasks and τ DWA_TEMPERATURE of config.py
    (2 in the paper). In the first two epochs all weights are 1. One backward pass.

    Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention" (CVPR 2019),
    https://arxiv.org/abs/1803.10704
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.temperature = number("DWA_TEMPERATURE", least=0.01)
        self.before = self.numbers("losses_before", (len(names),))

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        """Compute the total of losses, (tasks,); outside training their sum."""
        return ops.sum(self.task_weights * losses if training else losses)

    def end_epoch(self, losses: np.ndarray) -> None:
        """Set the weights of the next epoch by the mean losses of this one."""
        self.task_weights.assign(average(losses, self.before.value, self.temperature))
        self.before.assign(ops.where(losses > 0, losses, self.before.value))


def average(losses: Tensor, before: Tensor, temperature: float) -> Tensor:
    """Compute weights from the losses of two epochs; a loss of 0 counts as unchanged."""
    known = (losses > 0) & (before > 0)
    ratios = ops.where(known, losses / ops.where(known, before, 1.0), 1.0)
    return losses.shape[0] * ops.softmax(ratios / temperature)
