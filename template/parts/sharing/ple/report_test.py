"""Test the tables of what each task takes of private and shared experts."""

import keras
import numpy as np
import pytest

from the_package import config
from the_package.kinds import TASKS
from the_package.model import build_model
from the_package.sharing import gates, shares

P, S = config.NUM_PRIVATE_EXPERTS, config.NUM_EXPERTS
LAST = config.NUM_LEVELS


@pytest.fixture
def model() -> keras.Model:
    """Build the network on the columns of the sample data set."""
    return build_model()


@pytest.fixture
def inputs(model: keras.Model) -> dict[str, np.ndarray]:
    """Make some rows."""
    rng = np.random.default_rng(0)
    [(name, x)] = model.input.items()
    return {name: rng.integers(0, 9, (7, *x.shape[1:])).astype(x.dtype)}


def test_gate_is_a_distribution_over_the_experts(
    model: keras.Model, inputs: dict[str, np.ndarray]
) -> None:
    for name, gate in gates(model, inputs).items():
        private = P * len(TASKS) if name.startswith("experts_") else P
        assert gate.shape == (7, private + S)
        assert (gate >= 0).all()
        np.testing.assert_allclose(gate.sum(axis=1), 1, rtol=1e-5)


def test_tables_name_the_expert_that_a_gate_takes(
    model: keras.Model, inputs: dict[str, np.ndarray]
) -> None:
    first, second = (task.name for task in TASKS[:2])
    chosen = {f"{first}_gate_{LAST}": P - 1, f"{second}_gate_1": P, "experts_1_gate": P}
    for name in chosen.keys() & {layer.name for layer in model.layers}:
        gate = model.get_layer(name)
        kernel, bias = gate.get_weights()
        gate.set_weights([0 * kernel, 1000.0 * (np.arange(len(bias)) == chosen[name])])
    tables = shares(model, inputs)
    assert tables[f"level {LAST}"].loc[first, f"private {P}"] == 1
    assert tables["level 1"].loc[second, "shared 1"] == 1
    assert len(tables) == 2 * LAST - 1
    if LAST > 1:
        assert tables["level 1, shared stream"].loc["shared", f"{second} private 1"] == 1
