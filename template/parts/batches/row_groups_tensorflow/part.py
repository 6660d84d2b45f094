"""Rows in batches, read anew in each epoch, in an order that the seed and the epoch decide."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from . import InputError
from .data import Arrays, Examples
from .streaming import Streamed


class Reader(keras.callbacks.Callback):
    """Read windows for a tf.data pipeline, and raise what goes wrong in the main thread."""

    def __init__(self, rows: Streamed, size: int, seed: int) -> None:
        super().__init__()
        self.rows, self.size, self.seed, self.epoch = rows, size, seed, 0
        self.window = rows.take(np.arange(0))
        self.error: InputError | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note which epoch is read next."""
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Raise what ended the epoch early."""
        if self.error:
            raise self.error

    def windows(self) -> Iterator[tuple[Arrays, ...]]:
        """Read the windows of an epoch."""
        left = len(self.rows)
        try:
            for window in self.rows.windows(self.size, self.epoch, self.seed):
                yield window.as_tuple()
                self.window, left = window, left - len(window)
        except InputError as error:  # tf.data would wrap it in an error of its own
            self.error = error
        while left and len(self.window):  # an epoch that breaks ends on rows that were read
            again = self.window.take(np.arange(min(left, len(self.window))))
            yield again.as_tuple()
            left -= len(again)


def batches(
    rows: Examples, size: int, seed: int
) -> tuple[tf.data.Dataset, keras.callbacks.Callback]:
    """Make what `fit` trains on, and the callback that tells it which epoch begins."""
    assert isinstance(rows, Streamed)
    reader = Reader(rows, size, seed)

    def cut(*window: dict[str, tf.Tensor]) -> tf.data.Dataset:  # in the graph: Python is slow
        count = tf.shape(tf.nest.flatten(window)[0], tf.int64)[0]
        return tf.data.Dataset.range(0, count, size).map(
            lambda start: tf.nest.map_structure(lambda array: array[start : start + size], window)
        )

    signature = tf.nest.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), rows.as_tuple()
    )
    windows = tf.data.Dataset.from_generator(reader.windows, output_signature=signature)
    # Keras makes an iterator for each epoch only where it knows how many batches there are.
    count = tf.data.experimental.assert_cardinality(math.ceil(len(rows) / size))
    return windows.flat_map(cut).apply(count).prefetch(tf.data.AUTOTUNE), reader
