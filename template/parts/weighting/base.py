from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any


class TaskWeighting(keras.layers.Layer):
    """Add up the losses of the tasks; subclasses weight them.

    The loss of a task without a label in a batch is 0. What a subclass remembers is in variables,
    so that a run resumes exactly. `task_weights`, (tasks,), is what each loss counts.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(name="weighting", dtype="float32")
        self.built = True
        self.task_weights = self.numbers("task_weights", (len(names),), "ones")

    def numbers(self, name: str, shape: tuple[int, ...], start: str = "zeros") -> keras.Variable:
        """Add a variable that is set by assignment."""
        return self.add_weight(shape=shape, initializer=start, trainable=False, name=name)

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        """Compute the total of losses, (tasks,); where it adapts, only in training."""
        return ops.sum(losses)

    def end_epoch(self, losses: np.ndarray) -> None:
        """Learn from the mean losses of an epoch: (tasks,), 0 without a label."""
