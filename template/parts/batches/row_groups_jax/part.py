"""Rows in batches, read anew in each epoch, in an order that the seed and the epoch decide."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from .data import Arrays, Examples
from .streaming import Streamed


class Batches(keras.utils.PyDataset):
    """Batches of an epoch, in their order, whichever Keras asks for."""

    def __init__(self, rows: Streamed, size: int, seed: int) -> None:
        super().__init__()
        self.rows, self.size, self.seed = rows, size, seed
        self.batches = self.read(0)

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.size)

    def __getitem__(self, index: int) -> tuple[Arrays, ...]:
        return next(self.batches)

    def read(self, epoch: int) -> Iterator[tuple[Arrays, ...]]:
        """Read the batches of an epoch."""
        for window in self.rows.windows(self.size, epoch, self.seed):
            for start in range(0, len(window), self.size):
                rows = np.arange(start, min(start + self.size, len(window)))
                yield window.take(rows).as_tuple()


def batches(rows: Examples, size: int, seed: int) -> tuple[Batches, keras.callbacks.Callback]:
    """Make what `fit` trains on, and the callback that begins each epoch anew."""
    assert isinstance(rows, Streamed)
    dataset = Batches(rows, size, seed)

    def begin(epoch: int, logs: Any) -> None:
        dataset.batches = dataset.read(epoch)

    return dataset, keras.callbacks.LambdaCallback(on_epoch_begin=begin)
