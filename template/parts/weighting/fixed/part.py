from collections.abc import Sequence

from keras import ops

from . import InputError, config
from .weighting import TaskWeighting, Tensor


class Weighting(TaskWeighting):
    """Multiply each loss by its number in LOSS_WEIGHTS of config.py."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.task_weights.assign(loss_weights(names))

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        """Compute the total of losses, (tasks,)."""
        return ops.sum(self.task_weights * losses)


def loss_weights(names: Sequence[str]) -> list[float]:
    """Read LOSS_WEIGHTS of config.py in the order of the tasks. Raises InputError."""
    weights = config.LOSS_WEIGHTS
    if weights.keys() != set(names) or not all(
        isinstance(weight, int | float) and 0 < weight < 1e6 for weight in weights.values()
    ):
        raise InputError(
            f"LOSS_WEIGHTS of config.py is {weights}; give each task a positive number"
        )
    return [weights[name] for name in names]
