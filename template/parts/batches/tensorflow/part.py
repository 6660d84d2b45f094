"""Batches of rows, shuffled by the seed and the epoch."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .data import Examples


def batches(
    rows: Examples, size: int, seed: int
) -> tuple[tf.data.Dataset, keras.callbacks.Callback]:
    """Make what `fit` trains on, and the callback that shuffles it before each epoch.

    Given arrays and a seed, `fit` itself would repeat one order in every epoch.
    """
    arrays = tf.nest.map_structure(tf.constant, rows.as_tuple())
    order = tf.Variable(np.arange(len(rows)))

    def batch(start: tf.Tensor) -> tuple[dict[str, tf.Tensor], ...]:
        chosen = order[start : start + size]
        return tf.nest.map_structure(lambda array: tf.gather(array, chosen), arrays)

    def shuffle(epoch: int, logs: Any) -> None:
        order.assign(np.random.default_rng([seed, epoch]).permutation(len(rows)))

    starts = tf.data.Dataset.range(0, len(rows), size)
    dataset = starts.map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return dataset, keras.callbacks.LambdaCallback(on_epoch_begin=shuffle)
