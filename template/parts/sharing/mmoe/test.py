"""Test how tasks share: experts and gates, computed by hand."""

import itertools

import keras
import numpy as np
import pytest

from the_package import config
from the_package.kinds import TASKS
from the_package.model import share

X = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")


@pytest.fixture
def network() -> keras.Model:
    """Build what shares, alone, on 5 features; its biases are not zero."""
    keras.utils.set_random_seed(0)
    encoding, rng = keras.Input((5,)), np.random.default_rng(0)
    network = keras.Model(encoding, share(encoding))
    network.set_weights([w + rng.normal(0, 0.05, w.shape) for w in network.get_weights()])
    return network


def expert(network: keras.Model, number: int) -> np.ndarray:
    """Compute what one expert makes of the rows: (rows, units)."""
    x = X
    for i in range(1, len(config.EXPERT_UNITS) + 1):
        kernels, biases = network.get_layer(f"experts_{i}").get_weights()
        x = np.maximum(x @ kernels[number] + biases[number], 0)
    return x


def point(network: keras.Model, task: str, number: int) -> None:
    """Let a task's gate choose one expert for every row."""
    gate = network.get_layer(f"{task}_gate")
    kernel, bias = gate.get_weights()
    gate.set_weights([0 * kernel, 1000.0 * (np.arange(len(bias)) == number)])


def test_representation_is_the_mean_of_the_experts_under_the_gate(network: keras.Model) -> None:
    experts = [expert(network, number) for number in range(config.NUM_EXPERTS)]
    for task, values in network.predict(X, verbose=0).items():
        kernel, bias = network.get_layer(f"{task}_gate").get_weights()
        odds = np.exp(X @ kernel + bias)
        gate = odds / odds.sum(axis=1, keepdims=True)
        expected = np.einsum("bn,nbu->bu", gate, np.stack(experts))
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("number", [0, config.NUM_EXPERTS - 1])
def test_with_all_gates_on_one_expert_it_is_a_shared_bottom(
    network: keras.Model, number: int
) -> None:
    for task in TASKS:
        point(network, task.name, number)
    for values in network.predict(X, verbose=0).values():
        np.testing.assert_allclose(values, expert(network, number), rtol=1e-4, atol=1e-5)


def test_gate_affects_its_own_task_only(network: keras.Model) -> None:
    before = network.predict(X, verbose=0)
    point(network, TASKS[0].name, 0)
    after = network.predict(X, verbose=0)
    changed = [not np.array_equal(before[task.name], after[task.name]) for task in TASKS]
    assert changed == [True] + [False] * (len(TASKS) - 1)


def test_number_of_parameters(network: keras.Model) -> None:
    sizes = [5, *config.EXPERT_UNITS]
    each = sum((fan_in + 1) * units for fan_in, units in itertools.pairwise(sizes))
    assert network.count_params() == config.NUM_EXPERTS * (each + 6 * len(TASKS))


def test_number_of_experts_does_not_change_how_large_weights_start() -> None:
    keras.utils.set_random_seed(0)
    encoding = keras.Input((5,))
    kernels = [v for v in keras.Model(encoding, share(encoding)).weights if len(v.shape) == 3]
    largest = [np.abs(kernel.numpy()).max() * np.sqrt(kernel.shape[1] / 3) for kernel in kernels]
    assert 0.7 < max(largest) <= 1.001
