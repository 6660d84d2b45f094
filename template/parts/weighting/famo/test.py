"""The weighting of the losses: closed forms of FAMO."""

import numpy as np
import pytest

from the_package import InputError, config
from the_package.weighting import Weighting, even_out


@pytest.fixture
def weighting(monkeypatch):
    """A weighting of two tasks, as its authors set it."""
    monkeypatch.setattr(config, "FAMO_LEARNING_RATE", 0.025)
    monkeypatch.setattr(config, "FAMO_DECAY", 0.001)
    return Weighting("ab")


def numbers(*values):
    """Numbers as training has them."""
    return np.array(values, "float32")


def test_first_weights_are_in_proportion_to_inverse_losses(weighting):
    assert float(weighting(numbers(2, 0.5), training=True)) == pytest.approx(0.8)
    np.testing.assert_allclose(weighting.task_weights.numpy(), [0.2, 0.8], rtol=1e-5)
    assert float(weighting(numbers(2, 0.5))) == 2.5  # validation: the plain sum


def test_first_step_of_the_logits_by_hand(weighting):
    weighting(numbers(1, 1), training=True)
    weighting.follow(np.exp(numbers(-0.1, -0.5)))
    # Adam's first step is as long as its learning rate, whatever the slope: b has fallen faster.
    np.testing.assert_allclose(weighting.logits.numpy(), [0.025, -0.025], rtol=1e-3)


def test_second_step_of_the_logits_by_hand(weighting):
    logits, moments = np.zeros(2), np.zeros((2, 2))
    for step, falls in enumerate(([0.1, 0.5], [0.3, 0.2]), start=1):
        weighting(numbers(1, 1), training=True)
        weighting.follow(np.exp(-numbers(*falls)))
        shares = np.exp(logits) / np.exp(logits).sum()
        slopes = shares * (falls - shares @ falls) + 0.001 * logits
        moments = [0.9, 0.999] * moments + [0.1, 0.001] * np.array([slopes, slopes**2]).T
        first, second = (moments / (1 - np.array([0.9, 0.999]) ** step)).T
        logits = logits - 0.025 * first / (np.sqrt(second) + 1e-8)
    np.testing.assert_allclose(weighting.logits.numpy(), logits, rtol=1e-3)


def test_task_without_a_label_has_no_weight_and_keeps_its_logit(weighting):
    losses = numbers(0, 1)
    np.testing.assert_allclose(even_out(losses, numbers(0, 0)), [0, 0.5], rtol=1e-6)
    weighting(losses, training=True)
    weighting.follow(losses / 2)
    assert float(weighting.logits[0]) == 0


def test_restored_weighting_continues_as_the_saved_one(weighting):
    other = Weighting("ab")
    for each in (weighting, weighting, other):
        if each is other:
            other.set_weights(weighting.get_weights())
            continue
        each(numbers(2, 1), training=True)
        each.follow(numbers(1, 0.9))
    for each in (weighting, other):
        each(numbers(1, 1), training=True)
        each.follow(numbers(0.9, 0.5))
    np.testing.assert_array_equal(*(each.logits.numpy() for each in (weighting, other)))


def test_constant_that_is_not_usable_is_named(monkeypatch):
    monkeypatch.setattr(config, "FAMO_DECAY", float("nan"))
    with pytest.raises(InputError, match=r"^FAMO_DECAY of config.py is nan; write a number of 0"):
        Weighting("ab")
