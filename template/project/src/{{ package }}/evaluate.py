"""How well a trained model does on a table, beside the best constant prediction."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from .data import Examples, Schema
from .kinds import ScoreFunction
from .runs import replaced


def score(model: keras.Model, schema: Schema, examples: Examples) -> pd.DataFrame:
    """Score a model's predictions, one row for each task and score.

    low, high: the 95 % interval of `model`, over tables of rows like these.
    baseline: the score of the best constant prediction.
    better: whether the whole interval is on the better side of it.
    """
    predictions, scores = model.predict(examples.inputs, verbose=0), []
    for task in schema.tasks:
        rows = examples.weights[task.name] > 0
        labels = examples.labels[task.name][rows].astype("float64")
        predicted = predictions[task.name][rows].astype("float64")
        for name, function in task.scores.items():
            constant = np.tile(task.baseline(name), (len(labels), 1))
            value, baseline = (measure(function, labels, p) for p in (predicted, constant))
            low, high = interval(function, labels, predicted)
            better = high < baseline if name in task.errors else low > baseline
            scores.append([task.name, name, value, low, high, baseline, better, len(labels)])
    columns = ["task", "score", "model", "low", "high", "baseline", "better", "rows"]
    return pd.DataFrame(scores, columns=columns)


def measure(function: ScoreFunction, labels: np.ndarray, predicted: np.ndarray) -> float:
    """Compute a score; NaN where the rows do not define it, such as the AUC of one class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = function(labels, predicted) if len(labels) else np.nan
    return value if np.isfinite(value) else np.nan


def interval(
    function: ScoreFunction, labels: np.ndarray, predicted: np.ndarray
) -> tuple[float, float]:
    """Estimate the 95 % interval of a score by bootstrap samples of the rows, 1,000 or fewer.

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.
    """
    if len(labels) < 2:
        return np.nan, np.nan
    samples = bootstrap(
        (np.arange(len(labels)),),
        lambda rows: measure(function, labels[rows], predicted[rows]),
        n_resamples=max(100, min(1000, 20_000_000 // len(labels))),
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    ).bootstrap_distribution
    low, high = np.nanquantile(samples, [0.025, 0.975])
    return low, high


def write_scores(scores: pd.DataFrame, path: Path) -> None:
    """Write scores as JSON, null where there is none."""
    with replaced(path) as draft:
        scores.to_json(draft, orient="records", indent=1)


def print_scores(scores: pd.DataFrame) -> None:
    """Print scores as a table."""
    print(scores.to_string(index=False, float_format="{:.4g}".format, na_rep="-"))
