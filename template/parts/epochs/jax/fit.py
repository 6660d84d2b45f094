from collections.abc import Sequence
from typing import Any

import keras

from .data import Examples
from .epochs import Pieces


def fit(
    model: keras.Model,
    pieces: Pieces,
    validation: Examples,
    callbacks: Sequence[keras.callbacks.Callback],
    **given: Any,
) -> keras.callbacks.History:
    """Fit a model to pieces, and validate; what else is given, Keras's `fit` takes."""
    model.pieces, model.train_function = pieces, None  # which is compiled for these pieces
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=pieces.begin)
    try:
        return model.fit(
            pieces,
            steps_per_epoch=len(pieces),  # else Keras makes two iterators an epoch
            validation_data=validation.as_tuple(),
            validation_batch_size=pieces.batches * pieces.size,
            callbacks=[begin, *callbacks],
            **given,
        )
    finally:
        model.pieces = model.train_function = None
