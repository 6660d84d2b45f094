import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .data import Examples
from .epochs import Pieces


def fit(
    model: keras.Model,
    pieces: Pieces,
    held_out: Examples,
    callbacks: Sequence[keras.callbacks.Callback],
    **given: Any,
) -> keras.callbacks.History:
    """Fit a model to pieces, and validate; what else is given, Keras's `fit` takes."""
    model.pieces = pieces
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=pieces.begin)
    count = math.ceil(len(held_out) / (pieces.batches * pieces.size))
    parts = map(held_out.take, np.array_split(np.arange(len(held_out)), count))
    tensors = [tf.data.Dataset.from_tensors(part.as_tuple()) for part in parts]
    return model.fit(
        tf.data.Dataset.range(1).repeat(),  # the model reads the pieces themselves
        steps_per_epoch=len(pieces),
        shuffle=False,
        validation_data=functools.reduce(tf.data.Dataset.concatenate, tensors),
        callbacks=[begin, *callbacks],
        **given,
    )
