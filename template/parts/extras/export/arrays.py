from typing import Any

import keras

from .data import Schema
from .export import GETS


def describe_inputs(model: keras.Model, schema: Schema) -> dict[str, Any]:
    """Describe each input."""
    described = {"holds": GETS}
    return {k: {"shape": x.shape, "dtype": x.dtype, **described} for k, x in model.input.items()}
