import numpy as np

from the_package import config
from the_package.kinds import TASKS
from the_package.model import build_model
from the_package.sharing import shares

PRIVATE, LAST = config.NUM_PRIVATE_EXPERTS, config.NUM_LEVELS


def test_tables_name_the_expert_that_a_gate_takes(splits) -> None:
    model, (first, second) = build_model(splits.schema), (task.name for task in TASKS[:2])
    chosen = {f"{first}_gate_{LAST}": PRIVATE - 1, f"{second}_gate_1": PRIVATE}
    if LAST > 1:
        chosen["experts_1_gate"] = PRIVATE
    for name, number in chosen.items():
        gate = model.get_layer(name)
        kernel, bias = gate.get_weights()
        gate.set_weights([0 * kernel, 1000.0 * (np.arange(len(bias)) == number)])
    tables = shares(model, splits.test.inputs)
    assert list(tables) == [f"level {i}" for i in range(1, LAST + 1)]
    assert tables[f"level {LAST}"].loc[first, f"{first} {PRIVATE}"] == 1
    assert tables["level 1"].loc[second, "shared 1"] == 1
    assert np.isnan(tables["level 1"].loc[second, f"{first} 1"])  # it does not read that one
    if LAST > 1:
        assert tables["level 1"].loc["shared stream", f"{second} 1"] == 1
