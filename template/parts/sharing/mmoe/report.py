"""What each task takes of the shared experts."""

import keras
import pandas as pd

from .data import Arrays
from .kinds import TASKS


def shares(model: keras.Model, inputs: Arrays) -> dict[str, pd.DataFrame]:
    """Average over rows how much each task (row) takes of each expert (column)."""
    outputs = {task.name: model.get_layer(f"{task.name}_gate").output for task in TASKS}
    gates = keras.Model(model.input, outputs).predict(inputs, verbose=0)
    table = pd.DataFrame({name: gates[name].mean(axis=0) for name in outputs})
    return {"gates": table.rename(lambda i: f"expert {i + 1}").T}
