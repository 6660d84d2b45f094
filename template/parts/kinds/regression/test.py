import numpy as np
import pandas as pd
import pytest

from the_package import InputError
from the_package.kinds import Regression


def test_regression_is_learned_in_units_of_its_deviation():
    price = Regression("price").fit(pd.Series(["1", "3", None, "99"]), np.array([0, 1, 2]))
    assert (price.mean, price.scale, price.median, price.loss_weight) == (2, 1, 2, 1)
    wide = Regression("price").fit(pd.Series([100.0, 300.0]), np.array([0, 1]))
    assert wide.loss_weight * wide.loss()(np.full((1, 1), 300.0), np.full((1, 1), 200.0)) == 1
    np.testing.assert_array_equal(wide.output(np.array([[0.0], [1.0]])), [[200], [300]])


def test_label_that_is_not_a_number_is_named():
    with pytest.raises(InputError, match="row 2, column 'price': 'abc' is not a number"):
        Regression("price").encode(pd.Series(["1", "abc"], name="price"))
