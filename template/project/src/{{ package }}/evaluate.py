"""Scores of a trained model on a table, next to those of the best constant prediction."""

import warnings
from collections.abc import Callable, Iterator

import keras
import numpy as np
import pandas as pd

from . import InputError
from .data import Examples, Schema
from .kinds import AnyKind


def score(model: keras.Model, schema: Schema, examples: Examples) -> pd.DataFrame:
    """Score a model, and the best constant prediction, for each task: one row for each score."""
    scores = []
    for task, labels, predicted in labeled_rows(model, schema, examples):
        for name, function in task.scores.items():
            constant = np.tile(task.baseline(name), (len(labels), 1))
            values = [measure(function, labels, each) for each in (predicted, constant)]
            scores.append([task.name, name, *values, len(labels)])
    return pd.DataFrame(scores, columns=["task", "score", "model", "baseline", "rows"])


def labeled_rows(
    model: keras.Model, schema: Schema, examples: Examples
) -> Iterator[tuple[AnyKind, np.ndarray, np.ndarray]]:
    """Yield each task, its labels and their predictions. Raises InputError."""
    predictions = model.predict(examples.inputs, verbose=0)
    for task in schema.tasks:
        rows = examples.weights[task.name] > 0
        labels, predicted = examples.labels[task.name][rows], predictions[task.name][rows]
        if not np.isfinite(predicted).all():
            raise InputError(f"predictions of '{task.name}' are not finite; lower --learning-rate")
        yield task, labels, predicted


def measure(function: Callable[..., float], labels: np.ndarray, predicted: np.ndarray) -> float:
    """Compute a score; NaN if it is undefined, such as the AUC of one class."""
    with warnings.catch_warnings(action="ignore"):
        value = function(labels.astype(float), predicted.astype(float)) if len(labels) else np.nan
    return value if np.isfinite(value) else np.nan


def print_scores(scores: pd.DataFrame) -> None:
    """Print scores as a table."""
    print(scores.to_string(index=False, float_format="{:.4g}".format, na_rep="-"))
