"""Test label smoothing by its closed form."""

import keras
import numpy as np
import pandas as pd
import pytest

from the_package import config
from the_package.kinds import TASKS, AnyKind

SMOOTHED = [task for task in TASKS if type(task).__name__.startswith("Smoothed")]


def examples(task: AnyKind) -> tuple[np.ndarray, np.ndarray]:
    """Make labels of all classes, and predictions."""
    rng = np.random.default_rng(0)
    cells = pd.Series(task.sample_labels(rng.normal(size=60 * task.width)))
    labels = task.fit(cells, np.arange(len(cells))).encode(cells).astype("float32")
    logits = rng.normal(size=(len(cells), task.width)).astype("float32")
    return labels, keras.ops.convert_to_numpy(task.output(logits))


def log_losses(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compute the plain loss of each row."""
    if labels.shape == predicted.shape:
        return -np.log(np.where(labels == 1, predicted, 1 - predicted)).mean(axis=1)
    return -np.log(np.take_along_axis(predicted, labels.astype(int), axis=1))[:, 0]


@pytest.mark.parametrize("task", SMOOTHED)
def test_a_part_of_each_label_is_spread_evenly_over_all_classes(task: AnyKind) -> None:
    labels, predicted = examples(task)
    classes = range(int(labels.max()) + 1)
    each = [log_losses(np.full_like(labels, label), predicted) for label in classes]
    share = config.LABEL_SMOOTHING
    expected = (1 - share) * log_losses(labels, predicted) + share * np.mean(each, axis=0)
    np.testing.assert_allclose(task.row_losses(labels, predicted), expected, rtol=1e-4)
    np.testing.assert_allclose(task.loss()(labels, predicted), expected.mean(), rtol=1e-4)


@pytest.mark.parametrize("task", SMOOTHED)
def test_losses_of_several_tasks_at_once_are_those_of_each(task: AnyKind) -> None:
    labels, predicted = examples(task)
    pairs = (values.reshape(-1, 2, values.shape[1]) for values in (labels, predicted))
    together = np.ravel(task.row_losses(*pairs))
    np.testing.assert_allclose(together, task.row_losses(labels, predicted), rtol=1e-5)
