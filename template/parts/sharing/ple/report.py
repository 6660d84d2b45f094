"""What each task takes of the private and the shared experts."""

import keras
import pandas as pd

from .data import Arrays
from .kinds import TASKS


def shares(model: keras.Model, inputs: Arrays) -> dict[str, pd.DataFrame]:
    """Average over rows how much each gate (row) takes of each expert (column), by level.

    The gate of a task reads its private experts and the shared ones, that of the shared stream all.
    """
    outputs = {layer.name: layer.output for layer in model.layers if "_gate" in layer.name}
    gates = keras.Model(model.input, outputs).predict(inputs, verbose=0)
    names, tables, level = [task.name for task in TASKS], {}, 1
    # Numbers of experts as in training: those of config.py may have changed.
    private = model.get_layer("experts_1_private_1").kernel.shape[0] // len(names)
    own = {name: [f"{name} {i + 1}" for i in range(private)] for name in names}
    shared = [f"shared {i + 1}" for i in range(gates[f"{names[0]}_gate_1"].shape[1] - private)]
    experts = [expert for experts in own.values() for expert in experts] + shared
    while f"{names[0]}_gate_{level}" in gates:
        table = pd.DataFrame(index=names, columns=experts, dtype=float)
        for name in names:
            table.loc[name, own[name] + shared] = gates[f"{name}_gate_{level}"].mean(axis=0)
        if f"experts_{level}_gate" in gates:
            table.loc["shared stream"] = gates[f"experts_{level}_gate"].mean(axis=0)
        tables[f"level {level}"] = table
        level += 1
    return tables
