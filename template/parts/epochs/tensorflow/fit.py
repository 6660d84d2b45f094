import functools
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .data import Examples
from .epochs import MULTIPLE, Pieces


def fit(
    model: keras.Model, pieces: Pieces, validation: Examples, **given: Any
) -> keras.callbacks.History:
    """Fit a model to pieces, and validate; what else is given, Keras's `fit` takes.

    The callbacks must have `pieces.begin`, which decides the order of an epoch.
    """
    model.pieces, model.train_function = pieces, None  # which is compiled for these pieces
    model.make_metrics(validation.take(np.arange(1)))
    rows = len(validation)
    whole = rows - rows % MULTIPLE  # several devices can divide it
    edges = sorted({*range(0, whole, pieces.batches * pieces.size), whole, rows})
    parts = (validation.take(np.arange(*edge)).as_tuple() for edge in pairwise(edges))
    try:
        return model.fit(
            tf.data.Dataset.range(1).repeat(),  # the model reads the pieces themselves
            steps_per_epoch=len(pieces),
            shuffle=False,
            validation_data=functools.reduce(
                tf.data.Dataset.concatenate, map(tf.data.Dataset.from_tensors, parts)
            ),
            **given,
        )
    finally:
        model.pieces = model.train_function = None
