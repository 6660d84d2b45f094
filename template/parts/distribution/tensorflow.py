"""Training on all devices of this host, each with its part of every batch.

See https://www.tensorflow.org/guide/distributed_training. (Several hosts are for Keras on JAX.)
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from .cli import InputError

Tensor = Any


@contextlib.contextmanager
def devices() -> Iterator[None]:
    """All devices train together in the `with` block: GPUs, or else the CPU, if it was divided."""
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(found) == 1:
        yield
        return
    with tf.distribute.MirroredStrategy([device.name for device in found]).scope():
        yield


def count() -> int:
    """How many devices train together."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def check_batches(rows: int, size: int) -> None:
    """Raise InputError where the first batch of so many rows cannot be divided among the devices.

    (Keras builds the model from its parts, which it takes to be of one size.)
    """
    if min(rows, size) % count():
        raise InputError(
            f"--batch-size {size}, of {rows} training rows: give a multiple of {count()}, the "
            f"number of devices, and {rows} or less"
        )


{% if weighted.gradients is defined %}
def together(gradient: Tensor) -> Tensor:
    """A loss's gradient for the whole batch, from that of each device.

    A loss is a mean over all devices: what each finds is its own rows' part, times their number.
    """
    return tf.distribute.get_replica_context().all_reduce("mean", gradient)


{% endif %}
{% if answers.head_style == 'stacked' %}
def sums(parts: Tensor) -> Tensor:
    """The sums over all devices of what each has of its own part of a batch."""
    return tf.distribute.get_replica_context().all_reduce("sum", parts)
{% else %}
def mean(loss: Tensor, rows: Tensor) -> Tensor:
    """The mean over the labelled rows of a batch, from that of each device over its part.

    loss: the mean, divided by the number of devices, as Keras does; rows: how many, by weight.
    """
    parts = tf.stack([loss * rows * count(), rows])
    total, rows = tf.unstack(tf.distribute.get_replica_context().all_reduce("sum", parts))
    return tf.math.divide_no_nan(total, rows)
{% endif %}
