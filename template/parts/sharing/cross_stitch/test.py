"""Test how tasks share: layers and stitches, computed by hand."""

import itertools

import keras
import numpy as np
import pytest

from the_package import config
from the_package.kinds import TASKS
from the_package.model import share

X = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
T, DEPTH = len(TASKS), len(config.EXPERT_UNITS)


def stitched(matrix: np.ndarray) -> keras.Model:
    """Build what shares, alone, on 5 features: random layers, and this matrix in each stitch."""
    keras.utils.set_random_seed(0)
    encoding, rng = keras.Input((5,)), np.random.default_rng(0)
    network = keras.Model(encoding, share(encoding))
    network.set_weights([w + rng.normal(0, 0.05, w.shape) for w in network.get_weights()])
    for i in range(1, DEPTH + 1):
        network.get_layer(f"stitch_{i}").set_weights([matrix])
    return network


@pytest.mark.parametrize(
    "matrix",
    [np.eye(T), np.full((T, T), 1 / T), np.random.default_rng(2).normal(size=(T, T))],
    ids=["separate networks", "averages", "any"],
)
def test_row_of_a_stitch_is_how_much_a_task_takes_of_each(matrix: np.ndarray) -> None:
    network = stitched(matrix)
    streams = np.stack([X] * T)
    for i in range(1, DEPTH + 1):
        kernels, biases = network.get_layer(f"experts_{i}").get_weights()
        own = np.maximum(streams @ kernels + biases[:, None], 0)
        streams = np.einsum("ts,sbu->tbu", matrix, own)
    outputs = network.predict(X, verbose=0)
    for task, expected in zip(TASKS, streams, strict=True):
        rounding = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(outputs[task.name], expected, rtol=1e-4, atol=rounding)


def test_identity_keeps_the_tasks_apart() -> None:
    network = stitched(np.eye(T))
    before = network.predict(X, verbose=0)
    for layer in (layer for layer in network.layers if layer.name.startswith("experts_")):
        kernels, biases = layer.get_weights()
        kernels[0] += 1
        layer.set_weights([kernels, biases])
    after = network.predict(X, verbose=0)
    changed = [not np.array_equal(before[task.name], after[task.name]) for task in TASKS]
    assert changed == [True] + [False] * (T - 1)


def test_stitches_start_near_the_identity() -> None:
    encoding = keras.Input((5,))
    network = keras.Model(encoding, share(encoding))
    for i in range(1, DEPTH + 1):
        [matrix] = network.get_layer(f"stitch_{i}").get_weights()
        np.testing.assert_allclose(np.diag(matrix), 0.9, rtol=1e-6)
        np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-6)


def test_number_of_parameters() -> None:
    sizes = [5, *config.EXPERT_UNITS]
    own = sum((fan_in + 1) * units for fan_in, units in itertools.pairwise(sizes))
    assert stitched(np.eye(T)).count_params() == T * own + DEPTH * T**2


def test_number_of_tasks_does_not_change_how_large_weights_start() -> None:
    keras.utils.set_random_seed(0)
    encoding = keras.Input((5,))
    kernels = [v for v in keras.Model(encoding, share(encoding)).weights if len(v.shape) == 3]
    largest = [np.abs(kernel.numpy()).max() * np.sqrt(kernel.shape[1] / 3) for kernel in kernels]
    assert 0.7 < max(largest) <= 1.001
