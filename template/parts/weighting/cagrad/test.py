"""The weighting of the losses: known steps and properties of CAGrad."""

import keras
import numpy as np
import pytest

from the_package import InputError, config
from the_package.weighting import Weighting, avert


def shares(gradients, c=0.4):
    """What each gradient of (tasks, parameters) counts in the step."""
    gradients = np.array(gradients, "float32")
    return keras.ops.convert_to_numpy(avert(gradients @ gradients.T, c))


@pytest.mark.parametrize("others", [0, 2])  # tasks without a label
def test_known_step(others):
    gradients = np.array([[-4, 1, 1], [6, 1, 1], *[[0, 0, 0]] * others])
    expected = np.array([0.18350, 1.20412, 1.20412]) * 2 / (1 + 0.5**2)
    np.testing.assert_allclose(shares(gradients, 0.5) @ gradients, expected, atol=1e-4)


@pytest.mark.parametrize("opposed", [False, True])
def test_no_step_within_the_radius_helps_the_worst_off_task_more(opposed):
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradients = rng.normal(size=(3, 4))
        if opposed:  # all but cancels the first one out
            gradients[1] = 1e-3 * gradients[1] - gradients[0]
        mean, square = gradients.mean(axis=0), (gradients**2).sum() / 3
        radius = 0.4 * np.linalg.norm(mean)
        step = shares(gradients) @ gradients * (1 + 0.4**2) / 3
        # In float32 the square of a length is known to some 1e-7 of `square`.
        slack = 1e-3 * np.sqrt(square) if opposed else 1e-4 * radius
        assert np.linalg.norm(step - mean) <= radius + slack
        tried = rng.normal(size=(2000, 4))
        tried = mean + radius * tried / np.linalg.norm(tried, axis=1, keepdims=True)
        best = (tried @ gradients.T).min(axis=1).max()
        assert best <= (gradients @ step).min() + (1e-2 * square if opposed else 1e-4)


def test_without_a_radius_the_step_is_the_sum():
    gradients = np.random.default_rng(0).normal(size=(3, 5))
    np.testing.assert_allclose(shares(gradients, 0.0), np.ones(3), rtol=1e-3)


def test_permuting_the_tasks_permutes_their_shares():
    rng = np.random.default_rng(0)
    gradients, order = rng.normal(size=(4, 5)), rng.permutation(4)
    expected = shares(gradients)[order]
    np.testing.assert_allclose(shares(gradients[order]), expected, rtol=1e-3, atol=1e-4)


def test_weights_in_the_logs_are_the_shares_over_all_layers():
    layers = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    products = layers @ layers.transpose(0, 2, 1)
    weighting = Weighting("abc")
    weights = weighting.weigh(products, np.ones(3, "float32"))
    np.testing.assert_array_equal(weighting.task_weights.numpy(), np.array(weights))
    np.testing.assert_allclose(weights, shares(np.hstack(list(layers)), config.CAGRAD_C), 1e-4)


def test_constant_that_is_not_usable_is_named(monkeypatch):
    monkeypatch.setattr(config, "CAGRAD_C", None)
    with pytest.raises(InputError, match=r"^CAGRAD_C of config.py is None; write a number of 0"):
        Weighting("abc")
