"""How well a trained model does on a table, beside the best constant prediction."""

import warnings
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd

from .data import Examples, Schema


def score(model: keras.Model, schema: Schema, examples: Examples) -> pd.DataFrame:
    """Score a model, and the best constant prediction, for each task: one row for each score."""
    predictions, scores = model.predict(examples.inputs, verbose=0), []
    for task in schema.tasks:
        rows = examples.weights[task.name] > 0
        labels, predicted = examples.labels[task.name][rows], predictions[task.name][rows]
        for name, function in task.scores.items():
            constant = np.tile(task.baseline(name), (len(labels), 1))
            values = [measure(function, labels, each) for each in (predicted, constant)]
            scores.append([task.name, name, *values, len(labels)])
    return pd.DataFrame(scores, columns=["task", "score", "model", "baseline", "rows"])


def measure(function: Callable[..., float], labels: np.ndarray, predicted: np.ndarray) -> float:
    """Compute a score; NaN where the rows do not define it, such as the AUC of one class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = function(labels.astype(float), predicted.astype(float)) if len(labels) else np.nan
    return value if np.isfinite(value) else np.nan


def print_scores(scores: pd.DataFrame) -> None:
    """Print scores as a table."""
    print(scores.to_string(index=False, float_format="{:.4g}".format, na_rep="-"))
