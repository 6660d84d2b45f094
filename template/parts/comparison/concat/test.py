"""Test how a pair is compared."""

import numpy as np

from the_package.model import compare

A, B = np.array([[1.0, -2.0]]), np.array([[3.0, 4.0]])


def test_comparison_is_the_pair_side_by_side():
    np.testing.assert_array_equal(compare(A, B), [[1, -2, 3, 4]])


def test_order_of_the_pair_matters():
    assert not np.array_equal(compare(A, B), compare(B, A))
