"""Batches of rows, shuffled by the seed and the epoch."""

import math
from typing import Any

import keras
import numpy as np

from .data import Arrays, Examples


class Batches(keras.utils.PyDataset):
    """Rows in batches, by an order that may change between epochs."""

    def __init__(self, rows: Examples, size: int) -> None:
        super().__init__()
        self.rows, self.size, self.order = rows, size, np.arange(len(rows))

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.size)

    def __getitem__(self, index: int) -> tuple[Arrays, ...]:
        start = index * self.size
        return self.rows.take(self.order[start : start + self.size]).as_tuple()


def batches(rows: Examples, size: int, seed: int) -> tuple[Batches, keras.callbacks.Callback]:
    """Make what `fit` trains on, and the callback that shuffles it before each epoch."""
    dataset = Batches(rows, size)

    def shuffle(epoch: int, logs: Any) -> None:
        dataset.order = np.random.default_rng([seed, epoch]).permutation(len(rows))

    return dataset, keras.callbacks.LambdaCallback(on_epoch_begin=shuffle)
