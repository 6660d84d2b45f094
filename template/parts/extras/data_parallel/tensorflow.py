"""Training on all devices of this host, each with its part of every batch.

See https://www.tensorflow.org/guide/distributed_training.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from . import InputError, epochs
from .config import TrainingOptions
from .data import Examples
from .kinds import Tensor
from .multi_task import MultiTaskModel


@contextlib.contextmanager
def devices(options: TrainingOptions) -> Iterator[TrainingOptions]:
    """Train on all devices in the `with` block: GPUs, or else the parts of a divided CPU.

    Yields:
        The options.

    Raises:
        InputError: A batch cannot be divided among the devices.
    """
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if options.batch_size % len(found):
        size, least = options.batch_size, f"a multiple of {len(found)}, the number of devices"
        raise InputError(f"--batch-size {size} cannot be divided; give {least}")
    if len(found) == 1:
        yield options
        return
    epochs.MULTIPLE = len(found)
    try:
        with tf.distribute.MirroredStrategy([device.name for device in found]).scope():
            yield options
    finally:
        epochs.MULTIPLE = 1


class Mirrored(MultiTaskModel):
    """Compute losses over the rows of all devices, of which each has a part.

    TensorFlow cannot loop over batches in one program on several: Keras hands out each by itself.
    """

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile as Keras does."""
        super().compile(*args, **kwargs)
        if tf.distribute.has_strategy():  # metrics have values on each device
            self.results = lambda _: keras.Model.get_metrics_result(self)
            self.reset = lambda _: keras.Model.reset_metrics(self)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Fit as Keras does, on several devices to batches of rows."""
        pieces = self.pieces
        if not (pieces and tf.distribute.has_strategy()):
            return super().fit(*args, **kwargs)
        before = pieces.number, pieces.batches
        pieces.number, pieces.batches = pieces.number * pieces.batches, 1
        try:
            return super().fit(pieces, **kwargs | {"steps_per_epoch": len(pieces)})
        finally:
            pieces.number, pieces.batches = before

    def make_metrics(self, row: Examples) -> None:
        """Leave it to the first step, which makes them on each device."""
        if not tf.distribute.has_strategy():
            super().make_metrics(row)

    def make_train_function(self, force: bool = False) -> None:
        """Make what `fit` calls."""
        if tf.distribute.has_strategy():
            return keras.Model.make_train_function(self, force)
        return super().make_train_function(force)

    def mean(self, values: Tensor, weight: Tensor | None = None) -> Tensor:
        """Average over the rows of a batch, by weight; 0 where nothing has a weight."""
        weight = tf.ones_like(values) if weight is None else tf.cast(weight, values.dtype)
        parts = tf.stack([tf.reduce_sum(values * weight, 0), tf.reduce_sum(weight, 0)])
        return tf.math.divide_no_nan(*tf.unstack(all_reduce(parts)))

    def total(self, losses: Tensor, training: bool = True) -> Tensor:
        """Compute this device's share of what training minimizes: gradients are added up."""
        return super().total(losses, training) / tf.distribute.get_strategy().num_replicas_in_sync


def all_reduce(parts: Tensor) -> Tensor:
    """Add up what each device has."""
    return tf.distribute.get_replica_context().all_reduce("sum", parts)
