import keras
import numpy as np

from the_package.kinds import TASKS
from the_package.model import build_model
from the_package.sharing import shares


def test_table_has_the_expert_that_a_task_takes_and_means_over_rows(splits) -> None:
    model, inputs = build_model(splits.schema), splits.test.inputs
    first, second = (model.get_layer(f"{task.name}_gate") for task in TASKS[:2])
    kernel, bias = second.get_weights()
    second.set_weights([0 * kernel, 1000.0 * (np.arange(len(bias)) == 1)])
    [table] = shares(model, inputs).values()
    assert table.loc[TASKS[1].name, "expert 2"] == 1
    gates = keras.Model(model.input, first.output).predict(inputs, verbose=0)
    np.testing.assert_allclose(table.loc[TASKS[0].name], gates.mean(axis=0), rtol=1e-5)
