"""Test that each task reads an input of its own, through one trunk."""

import numpy as np

from the_package.kinds import TASKS
from the_package.model import build_model


def test_one_trunk_serves_all_inputs():
    calls = {each["name"]: each["inbound_nodes"] for each in build_model().get_config()["layers"]}
    assert len(calls["trunk"]) == len(TASKS)


def test_task_reads_its_own_input_only():
    network, rng = build_model(), np.random.default_rng(0)
    shapes = {name: (7, *x.shape[1:]) for name, x in network.input.items()}
    rows = {name: rng.integers(1, 9, shape) for name, shape in shapes.items()}
    before = network.predict(rows, verbose=0)
    for own, name in zip(TASKS, rows, strict=True):
        after = network.predict({**rows, name: rows[name][::-1]}, verbose=0)
        changed = {task for task in before if not np.array_equal(after[task], before[task])}
        assert changed == {own.name}
