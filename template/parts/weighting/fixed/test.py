"""The weighting of the losses."""

import numpy as np
import pytest

from the_package import InputError, config
from the_package.weighting import Weighting


@pytest.mark.parametrize("training", [False, True])
def test_total_is_the_sum_of_the_losses_times_their_weights(training, monkeypatch):
    monkeypatch.setattr(config, "LOSS_WEIGHTS", {"b": 3, "a": 0.5})
    total = Weighting(["a", "b"])(np.array([1, 2], "float32"), training=training)
    assert float(total) == 6.5


@pytest.mark.parametrize("weights", [{"a": 1}, {"a": 1, "b": -1}, {"a": 1, "b": "2"}])
def test_weights_that_are_not_usable_are_named(weights, monkeypatch):
    monkeypatch.setattr(config, "LOSS_WEIGHTS", weights)
    with pytest.raises(InputError, match="give each task a positive number"):
        Weighting(["a", "b"])
