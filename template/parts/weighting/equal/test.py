"""The weighting of the losses."""

import numpy as np

from the_package.weighting import Weighting


def test_total_is_the_sum_of_the_losses():
    weighting = Weighting(["a", "b"])
    assert float(weighting(np.array([1, 2], "float32"), training=True)) == 3
    assert list(weighting.task_weights.numpy()) == [1, 1]
