"""Test that both inputs of a pair go through one trunk, and matter."""

import numpy as np

from the_package.model import build_model


def test_one_trunk_serves_both_inputs():
    calls = {each["name"]: each["inbound_nodes"] for each in build_model().get_config()["layers"]}
    assert len(calls["trunk"]) == 2


def test_every_task_reads_both_inputs():
    network, rng = build_model(), np.random.default_rng(0)
    shapes = {name: (7, *x.shape[1:]) for name, x in network.input.items()}
    rows = {name: rng.integers(1, 9, shape) for name, shape in shapes.items()}
    before = network.predict(rows, verbose=0)
    for name in rows:
        after = network.predict({**rows, name: rows[name][::-1]}, verbose=0)
        assert not any(np.array_equal(after[task], before[task]) for task in before)
