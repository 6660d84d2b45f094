"""Test how tasks share: levels of experts and gates, computed by hand."""

import itertools
from collections.abc import Sequence

import keras
import numpy as np
import pytest

from the_package import config
from the_package.kinds import TASKS
from the_package.model import share

X = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
P, S = config.NUM_PRIVATE_EXPERTS, config.NUM_EXPERTS
LEVELS = range(1, config.NUM_LEVELS + 1)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Build what shares, alone, on 5 features; its biases are not zero."""
    keras.utils.set_random_seed(0)
    encoding, rng = keras.Input((5,)), np.random.default_rng(0)
    network = keras.Model(encoding, share(encoding))
    network.set_weights([w + rng.normal(0, 0.05, w.shape) for w in network.get_weights()])
    return network


def expert(network: keras.Model, x: np.ndarray, name: str, number: int) -> np.ndarray:
    """Compute what one expert of a level makes of a stream: (rows, units)."""
    for i in range(1, len(config.EXPERT_UNITS) + 1):
        kernels, biases = network.get_layer(f"{name}_{i}").get_weights()
        x = np.maximum(x @ kernels[number] + biases[number], 0)
    return x


def mean(
    network: keras.Model, stream: np.ndarray, gate: str, experts: Sequence[np.ndarray]
) -> np.ndarray:
    """Compute the mean of experts under the gate of a stream: (rows, units)."""
    kernel, bias = network.get_layer(gate).get_weights()
    odds = np.exp(stream @ kernel + bias)
    return np.einsum("bn,nbu->bu", odds / odds.sum(axis=1, keepdims=True), np.stack(experts))


def point(network: keras.Model, number: int) -> None:
    """Let every gate choose one expert, by its place, for every row."""
    for layer in (layer for layer in network.layers if "_gate" in layer.name):
        kernel, bias = layer.get_weights()
        places = np.arange(len(bias)) == number % len(bias)
        layer.set_weights([0 * kernel, 50.0 * places])


def test_representations_are_those_of_the_paper(network: keras.Model) -> None:
    streams, common = {task.name: X for task in TASKS}, X
    for level in LEVELS:
        name, new = f"experts_{level}", {}
        shared = [expert(network, common, f"{name}_shared", i) for i in range(S)]
        private = []
        for k, (task, stream) in enumerate(streams.items()):
            own = [expert(network, stream, f"{name}_private", k * P + i) for i in range(P)]
            new[task] = mean(network, stream, f"{task}_gate_{level}", own + shared)
            private += own
        if level < config.NUM_LEVELS:
            common = mean(network, common, f"{name}_gate", private + shared)
        streams = new
    for task, values in network.predict(X, verbose=0).items():
        np.testing.assert_allclose(values, streams[task], rtol=1e-4, atol=1e-5)


def test_with_all_gates_on_a_private_expert_tasks_are_separate_networks(
    network: keras.Model,
) -> None:
    point(network, 0)
    outputs = network.predict(X, verbose=0)
    for place, task in enumerate(TASKS):
        expected = X
        for level in LEVELS:
            expected = expert(network, expected, f"experts_{level}_private", place * P)
        np.testing.assert_allclose(outputs[task.name], expected, rtol=1e-4, atol=1e-5)


def test_with_all_gates_on_a_shared_expert_it_is_a_shared_bottom(network: keras.Model) -> None:
    point(network, -1)
    expected = X
    for level in LEVELS:
        expected = expert(network, expected, f"experts_{level}_shared", S - 1)
    for values in network.predict(X, verbose=0).values():
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


def test_number_of_parameters(network: keras.Model) -> None:
    count, features, private = 0, 5, P * len(TASKS)
    for level in LEVELS:
        sizes = [features, *config.EXPERT_UNITS]
        each = sum((fan_in + 1) * units for fan_in, units in itertools.pairwise(sizes))
        gates = len(TASKS) * (P + S) + (private + S) * (level < config.NUM_LEVELS)
        count += (private + S) * each + gates * (features + 1)
        features = sizes[-1]
    assert network.count_params() == count


def test_number_of_experts_does_not_change_how_large_weights_start() -> None:
    keras.utils.set_random_seed(0)
    encoding = keras.Input((5,))
    kernels = [v for v in keras.Model(encoding, share(encoding)).weights if len(v.shape) == 3]
    largest = [np.abs(kernel.numpy()).max() * np.sqrt(kernel.shape[1] / 3) for kernel in kernels]
    assert 0.7 < max(largest) <= 1.001
