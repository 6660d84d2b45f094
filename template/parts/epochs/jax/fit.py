from typing import Any

import keras

from .data import Examples
from .epochs import Pieces


def fit(
    model: keras.Model, pieces: Pieces, validation: Examples, **given: Any
) -> keras.callbacks.History:
    """Fit a model to pieces, and validate; what else is given, Keras's `fit` takes.

    The callbacks must have `pieces.begin`, which decides the order of an epoch.
    """
    model.pieces, model.train_function = pieces, None  # which is compiled for these pieces
    try:
        return model.fit(
            pieces,
            steps_per_epoch=len(pieces),  # else Keras makes two iterators an epoch
            validation_data=validation.as_tuple(),
            validation_batch_size=pieces.batches * pieces.size,
            **given,
        )
    finally:
        model.pieces = model.train_function = None
