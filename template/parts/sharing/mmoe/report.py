"""What each task takes of the shared experts."""

import keras
import pandas as pd

from .data import Arrays
from .kinds import TASKS


def gates(model: keras.Model, inputs: Arrays) -> Arrays:
    """Compute how much each task takes of each expert, for each row: (rows, experts) by task."""
    outputs = {task.name: model.get_layer(f"{task.name}_gate").output for task in TASKS}
    return dict(keras.Model(model.input, outputs).predict(inputs, verbose=0))


def shares(model: keras.Model, inputs: Arrays) -> dict[str, pd.DataFrame]:
    """Average over rows how much each task (row) takes of each expert (column)."""
    means = {task: gate.mean(axis=0) for task, gate in gates(model, inputs).items()}
    table = pd.DataFrame.from_dict(means, "index")
    return {"gates": table.rename(columns=lambda i: f"expert {i + 1}")}
