import numpy as np

from the_package import config
from the_package.kinds import TASKS
from the_package.model import build_model
from the_package.sharing import shares


def test_rows_are_the_tasks_that_take_and_columns_those_that_give() -> None:
    model, tasks = build_model(), len(TASKS)
    first, second = (task.name for task in TASKS[:2])
    model.get_layer("stitch_1").set_weights([np.arange(tasks**2).reshape(tasks, tasks)])
    tables = shares(model, {})
    assert list(tables) == [f"stitch_{i + 1}" for i in range(len(config.EXPERT_UNITS))]
    table = tables["stitch_1"]
    assert table.loc[first, second] == 1
    assert table.loc[second, first] == tasks
