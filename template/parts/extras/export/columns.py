from typing import Any

import keras

from .data import Schema
from .export import GETS


def describe_inputs(model: keras.Model, schema: Schema) -> dict[str, Any]:
    """Describe each input, and the feature, and category, of each of its columns."""
    columns: list[dict[str, str]] = []
    for column in schema.inputs.columns:
        if column.categories is None:
            columns.append({"feature": column.name})
        else:
            columns += [{"feature": column.name, "category": c} for c in column.categories]
    return {
        name: {"shape": x.shape, "dtype": x.dtype, "holds": GETS, "columns": columns}
        for name, x in model.input.items()
    }
