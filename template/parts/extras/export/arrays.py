from typing import Any

import keras

from .data import Schema
from .export import GETS


def describe_inputs(model: keras.Model, schema: Schema) -> dict[str, Any]:
    """Describe each input."""
    return {
        name: {"shape": x.shape, "dtype": x.dtype, "holds": GETS} for name, x in model.input.items()
    }
