"""The weighting of the losses: closed forms of GradNorm."""

import numpy as np
import pytest

from the_package import InputError, config
from the_package.weighting import Weighting, balance

T = 3
EVEN = np.ones((1, T, T), "float32")  # all tasks have the same gradient, of length 1


def numbers(*values):
    """Numbers as training has them."""
    return np.array(values, "float32")


def test_step_by_hand():
    weights, norms, rates = numbers(0.5, 1, 1.5), numbers(2, 1.5, 1), numbers(1, 0.8, 0.5)
    lengths = weights * norms
    aims = lengths.mean() * (rates / rates.mean()) ** 1.5
    expected = weights * np.exp(-0.1 * np.sign(lengths - aims) * lengths / lengths.mean())
    expected *= weights.sum() / expected.sum()
    np.testing.assert_allclose(balance(weights, norms, rates, 1.5, 0.1), expected, rtol=1e-5)


def test_tasks_of_one_rate_get_gradients_of_one_length():
    weights, norms, rates = np.ones(T, "float32"), numbers(1, 10, 100), np.ones(T, "float32")
    for _ in range(1000):
        weights = np.array(balance(weights, norms, rates, 1.5, 0.025))
    lengths = weights * norms
    assert lengths.max() / lengths.min() < 1.5


def test_weight_of_a_slower_task_grows(monkeypatch):
    monkeypatch.setattr(config, "GRADNORM_ALPHA", 1.5)
    monkeypatch.setattr(config, "GRADNORM_LEARNING_RATE", 0.025)
    weighting = Weighting("abc")
    weighting.weigh(EVEN, numbers(1, 2, 4))
    np.testing.assert_allclose(weighting.task_weights.numpy(), np.ones(T), rtol=1e-6)
    used = np.array(weighting.weigh(EVEN, numbers(1, 1, 2)))  # a is still where it was
    np.testing.assert_allclose(used, np.ones(T), rtol=1e-6)
    slow, *others = weighting.task_weights.numpy()
    assert slow > max(others)
    assert slow + sum(others) == pytest.approx(T)


def test_last_shared_layer_decides():
    first = numbers([9, 0, 0], [0, 1, 0], [0, 0, 4])[None]
    weightings = Weighting("abc"), Weighting("abc")
    weightings[0].weigh(np.concatenate([first, 2 * EVEN]), numbers(1, 2, 4))
    weightings[1].weigh(2 * EVEN, numbers(1, 2, 4))
    np.testing.assert_array_equal(*(each.task_weights.numpy() for each in weightings))


def test_task_without_a_label_keeps_its_weight_and_starts_later():
    weights, without = numbers(0.5, 1, 1.5), numbers(0, 1, 1)
    moved = np.array(balance(weights, without, without, 1.5, 0.025))
    assert moved[0] == weights[0]
    assert moved.sum() == pytest.approx(weights.sum())
    weighting = Weighting("abc")
    for losses in ((0, 2, 4), (3, 1, 1)):
        weighting.weigh(EVEN, numbers(*losses))
    np.testing.assert_array_equal(weighting.first.numpy(), [3, 2, 4])


def test_restored_weighting_continues_as_the_saved_one():
    saved, other = Weighting("abc"), Weighting("abc")
    saved.weigh(EVEN, numbers(1, 2, 4))
    other.set_weights(saved.get_weights())
    for weighting in (saved, other):
        weighting.weigh(EVEN, numbers(1, 1, 1))
    np.testing.assert_array_equal(*(each.task_weights.numpy() for each in (saved, other)))


def test_constant_that_is_not_usable_is_named(monkeypatch):
    monkeypatch.setattr(config, "GRADNORM_ALPHA", -1)
    with pytest.raises(InputError, match=r"^GRADNORM_ALPHA of config.py is -1; write a number"):
        Weighting("abc")
