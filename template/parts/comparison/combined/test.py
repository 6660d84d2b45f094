"""Test how a pair is compared."""

import numpy as np

from the_package.model import compare

A, B = np.array([[1.0, -2.0]]), np.array([[3.0, 4.0]])


def test_comparison_is_sum_distance_and_product():
    np.testing.assert_array_equal(compare(A, B), [[4, 2, 2, 6, 3, -8]])


def test_order_of_the_pair_does_not_matter():
    np.testing.assert_array_equal(compare(A, B), compare(B, A))
