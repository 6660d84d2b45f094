"""What each task takes of the private and the shared experts."""

import keras
import numpy as np
import pandas as pd

from .data import Arrays
from .kinds import TASKS


def gates(model: keras.Model, inputs: Arrays) -> Arrays:
    """Compute how much each gate takes of each expert, for each row: (rows, experts) by gate.

    Private experts come before shared ones; the gate of a shared stream is `experts_LEVEL_gate`.
    """
    outputs = {layer.name: layer.output for layer in model.layers if "_gate" in layer.name}
    return dict(keras.Model(model.input, outputs).predict(inputs, verbose=0))


def shares(model: keras.Model, inputs: Arrays) -> dict[str, pd.DataFrame]:
    """Average over rows how much each gate (row) takes of each expert (column), by level."""
    means = {name: gate.mean(axis=0) for name, gate in gates(model, inputs).items()}
    names, tables, level = [task.name for task in TASKS], {}, 1
    private, shared = (count(model, part) for part in ("private", "shared"))  # config.py may differ
    own = [f"private {i + 1}" for i in range(private // len(names))]
    common = [f"shared {i + 1}" for i in range(shared)]
    while f"{names[0]}_gate_{level}" in means:
        rows = np.array([means[f"{name}_gate_{level}"] for name in names])
        tables[f"level {level}"] = pd.DataFrame(rows, names, [*own, *common])
        if f"experts_{level}_gate" in means:
            columns = [*(f"{name} {i}" for name in names for i in own), *common]
            row = means[f"experts_{level}_gate"][None]
            tables[f"level {level}, shared stream"] = pd.DataFrame(row, ["shared"], columns)
        level += 1
    return tables


def count(model: keras.Model, part: str) -> int:
    """Count the experts of a level that are private, or shared."""
    return model.get_layer(f"experts_1_{part}_1").kernel.shape[0]
