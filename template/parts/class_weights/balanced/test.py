"""Test that rare classes count as much as frequent ones."""

from dataclasses import replace

import numpy as np
import pytest

from the_package.kinds import TASKS, AnyKind, Kind, label_weights

WITH_CLASSES = [task for task in TASKS if hasattr(task, "shares")]


@pytest.mark.parametrize("task", WITH_CLASSES)
def test_weight_is_the_inverse_of_the_share(task: AnyKind) -> None:
    skewed = replace(task, shares=[0.75, 0.25, 0.0])
    weights = label_weights(skewed, np.array([[0.0], [1.0], [2.0]]))
    np.testing.assert_allclose(weights, [4 / 9, 4 / 3, 1])  # no training row has the last class


@pytest.mark.parametrize("task", WITH_CLASSES)
def test_all_classes_count_the_same_in_all(task: AnyKind) -> None:
    skewed = replace(task, shares=[0.8, 0.2])
    weights = label_weights(skewed, np.repeat([[0.0], [1.0]], [8, 2], axis=0))
    np.testing.assert_allclose([weights[:8].sum(), weights[8:].sum()], 5)


@pytest.mark.parametrize("task", WITH_CLASSES)
def test_labels_of_several_classes_at_once_count_1(task: AnyKind) -> None:
    assert label_weights(task, np.array([[0.0, 1.0], [1.0, 1.0]])).tolist() == [1, 1]


def test_labels_without_classes_count_1() -> None:
    assert label_weights(Kind("price"), np.array([[0.0], [1.5]])).tolist() == [1, 1]
