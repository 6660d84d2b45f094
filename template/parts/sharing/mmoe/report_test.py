"""Test the tables of what each task takes of the experts."""

import keras
import numpy as np
import pytest

from the_package import config
from the_package.kinds import TASKS
from the_package.model import build_model
from the_package.sharing import gates, shares


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
    for gate in gates(model, inputs).values():
        assert gate.shape == (7, config.NUM_EXPERTS)
        assert (gate >= 0).all()
        np.testing.assert_allclose(gate.sum(axis=1), 1, rtol=1e-5)


def test_table_names_the_expert_that_a_task_takes(
    model: keras.Model, inputs: dict[str, np.ndarray]
) -> None:
    first, second = (task.name for task in TASKS[:2])
    gate = model.get_layer(f"{second}_gate")
    kernel, bias = gate.get_weights()
    gate.set_weights([0 * kernel, 1000.0 * (np.arange(len(bias)) == 1)])
    [table] = shares(model, inputs).values()
    assert table.loc[second, "expert 2"] == 1
    mean = gates(model, inputs)[first].mean(axis=0)
    np.testing.assert_allclose(table.loc[first], mean, rtol=1e-5)
