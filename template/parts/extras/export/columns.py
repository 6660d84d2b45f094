from typing import Any

import keras

from .data import Schema
from .export import GETS


def describe_inputs(model: keras.Model, schema: Schema) -> dict[str, Any]:
    """Describe each input, and the feature, and category, of each of its columns."""
    columns: list[dict[str, str]] = []
    for column in schema.inputs.columns:
        parts = [{}] if column.categories is None else [{"category": c} for c in column.categories]
        columns += [{"feature": column.name, **part} for part in parts]
    described = {"holds": GETS, "columns": columns}
    return {k: {"shape": x.shape, "dtype": x.dtype, **described} for k, x in model.input.items()}
