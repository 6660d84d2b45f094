"""Test the Huber loss by its closed form."""

from dataclasses import replace

import numpy as np
import pytest

from the_package import config
from the_package.kinds import TASKS, AnyKind

HUBER = [replace(task, scale=3.0) for task in TASKS if type(task).__name__.startswith("Huber")]
LABELS = np.zeros((6, 1), "float32")
PREDICTED = 3.0 * np.array([[-5.0], [-1.2], [-0.3], [0.0], [0.9], [40.0]], "float32")


@pytest.mark.parametrize("task", HUBER)
def test_errors_count_squared_up_to_delta_deviations_and_linearly_beyond(task: AnyKind) -> None:
    deviations, delta = np.abs(PREDICTED[:, 0]) / 3, config.HUBER_DELTA
    linear = 2 * delta * deviations - delta**2
    expected = np.where(deviations <= delta, deviations**2, linear)
    np.testing.assert_allclose(task.row_losses(LABELS, PREDICTED), expected, rtol=1e-5)
    total = task.loss()(LABELS, PREDICTED) * task.loss_weight
    np.testing.assert_allclose(total, expected.mean(), rtol=1e-5)


@pytest.mark.parametrize("task", HUBER)
def test_with_a_large_delta_it_is_the_squared_error(
    task: AnyKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "HUBER_DELTA", 1e3)
    expected = (PREDICTED[:, 0] / 3) ** 2
    np.testing.assert_allclose(task.row_losses(LABELS, PREDICTED), expected, rtol=1e-5)


@pytest.mark.parametrize("task", HUBER)
def test_losses_of_several_tasks_at_once_are_those_of_each(task: AnyKind) -> None:
    together = task.row_losses(LABELS.reshape(2, 3, 1), PREDICTED.reshape(2, 3, 1))
    alone = np.reshape(task.row_losses(LABELS, PREDICTED), (2, 3))
    np.testing.assert_allclose(together, alone, rtol=1e-6)
