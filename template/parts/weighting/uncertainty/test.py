"""The weighting of the losses: closed forms of uncertainty weighting."""

import numpy as np
import pytest
from keras import ops

from the_package.weighting import Weighting, terms

LOSSES = np.array([0.5, 1, 2], "float32")


def test_variance_starts_at_the_first_loss():
    weighting = Weighting("abc")
    for factor in (1, 3):
        total = weighting(factor * LOSSES, training=True)
        np.testing.assert_allclose(weighting.task_weights.numpy(), 0.5 / LOSSES, rtol=1e-6)
        assert float(total) == pytest.approx(1.5 * factor + np.log(LOSSES).sum() / 2)


@pytest.mark.parametrize("change", [-0.1, 0.1])
def test_best_variance_is_the_loss(change):
    least = ops.convert_to_numpy(terms(LOSSES, np.log(LOSSES)))
    assert (ops.convert_to_numpy(terms(LOSSES, np.log(LOSSES) + change)) > least).all()


def test_task_without_a_label_adds_nothing_and_starts_later():
    weighting = Weighting("abc")
    losses = LOSSES * [0, 1, 1]
    total = float(weighting(losses, training=True))
    np.testing.assert_array_equal(weighting.first.numpy(), losses)
    weighting.change.assign([1, 0, 0])
    assert float(weighting(losses, training=True)) == total
    weighting(LOSSES, training=True)
    np.testing.assert_array_equal(weighting.first.numpy(), LOSSES)


def test_validation_loss_is_the_plain_sum():
    weighting = Weighting("abc")
    weighting(2 * LOSSES, training=True)
    assert float(weighting(LOSSES)) == LOSSES.sum()
