"""Training on all devices of this host, each with its part of every batch.

See https://www.tensorflow.org/guide/distributed_training.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from . import InputError
from .config import TrainingOptions
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
    with tf.distribute.MirroredStrategy([device.name for device in found]).scope():
        yield options


class Mirrored(MultiTaskModel):
    """Compute losses over the rows of all devices, of which each has a part."""

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile as Keras does; on one device, for several steps at a time."""
        steps = 1 if tf.distribute.has_strategy() else 16  # most of a small one's time is Python
        super().compile(*args, steps_per_execution=steps, **kwargs)

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
