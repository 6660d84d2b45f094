"""The weighting of the losses: known steps and properties of PCGrad."""

import keras
import numpy as np
import pytest

from the_package.weighting import Weighting


def step(weighting, gradients):
    """The step that the weighting makes of gradients, (tasks, parameters)."""
    gradients = np.array(gradients, "float32")
    weights = weighting.weigh((gradients @ gradients.T)[None], np.ones(len(gradients), "float32"))
    return keras.ops.convert_to_numpy(weights) @ gradients


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((1, 0), (-1, 1), (0.5, 1.5)),
        ((-4, 1, 1), (6, 1, 1), (0.58480, 3.80117, 3.80117)),
        ((1, 0), (-1, 0), (0, 0)),
        ((1, 2), (2, 1), (3, 3)),
        ((0, 0), (2, 1), (2, 1)),  # the first task has no label
    ],
)
def test_conflicting_parts_are_projected_away(first, second, expected):
    np.testing.assert_allclose(step(Weighting("ab"), [first, second]), expected, atol=1e-5)


def test_step_of_two_tasks_conflicts_with_neither():
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradients = rng.normal(size=(2, 3))
        assert (gradients @ step(Weighting("ab"), gradients)).min() >= -1e-5


def test_agreeing_gradients_are_added_up():
    gradients = np.random.default_rng(0).uniform(0.1, 1, (4, 5))
    weighting = Weighting("abcd")
    np.testing.assert_allclose(step(weighting, gradients), gradients.sum(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(weighting.task_weights.numpy(), np.ones(4))


def test_restored_random_state_gives_the_same_orders():
    gradients = np.random.default_rng(0).normal(size=(4, 5))
    weighting = Weighting("abcd")
    step(weighting, gradients)
    state = [keras.ops.convert_to_numpy(variable) for variable in weighting.variables]
    expected = [step(weighting, gradients) for _ in range(3)]
    assert (expected[0] != expected[1]).any() or (expected[1] != expected[2]).any()
    for variable, value in zip(weighting.variables, state, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal([step(weighting, gradients) for _ in range(3)], expected)
