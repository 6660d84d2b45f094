"""The weighting of the losses: closed forms of the dynamic weight average."""

import numpy as np
import pytest

from the_package import InputError, config
from the_package.weighting import Weighting, average


@pytest.fixture
def weighting(monkeypatch):
    """A weighting of two tasks at the paper's temperature."""
    monkeypatch.setattr(config, "DWA_TEMPERATURE", 2.0)
    return Weighting("ab")


def end_epochs(weighting, *epochs):
    """The weights after epochs with these losses."""
    for losses in epochs:
        weighting.end_epoch(np.array(losses, "float32"))
    return weighting.task_weights.numpy()


def test_known_weights(weighting):
    np.testing.assert_array_equal(weighting.task_weights.numpy(), [1, 1])
    np.testing.assert_allclose(end_epochs(weighting, [2, 1]), [1, 1], rtol=1e-6)
    np.testing.assert_allclose(end_epochs(weighting, [1, 1]), [0.8756, 1.1244], atol=1e-4)
    losses = np.array([1, 2], "float32")
    assert float(weighting(losses, training=True)) == pytest.approx(0.8756 + 2.2488, abs=1e-3)
    assert float(weighting(losses)) == 3


def test_permuting_the_tasks_permutes_their_weights():
    rng = np.random.default_rng(0)
    losses, before = rng.uniform(0.5, 2, (2, 5)).astype("float32")
    order = rng.permutation(5)
    weights = np.array(average(losses, before, 2.0))
    np.testing.assert_allclose(average(losses[order], before[order], 2.0), weights[order], 1e-5)


def test_epoch_without_a_label_counts_as_unchanged(weighting):
    weights = end_epochs(weighting, [2, 1], [0, 1])
    np.testing.assert_allclose(weights, [1, 1], rtol=1e-6)
    np.testing.assert_array_equal(weighting.before.numpy(), [2, 1])


def test_restored_weighting_continues_as_the_saved_one(weighting):
    end_epochs(weighting, [2, 1])
    other = Weighting("ab")
    other.set_weights(weighting.get_weights())
    for each in (weighting, other):
        np.testing.assert_allclose(end_epochs(each, [1, 1]), [0.8756, 1.1244], atol=1e-4)


def test_temperature_that_is_not_usable_is_named(monkeypatch):
    monkeypatch.setattr(config, "DWA_TEMPERATURE", -1)
    with pytest.raises(InputError, match=r"DWA_TEMPERATURE of config.py is -1; write a number"):
        Weighting("ab")
