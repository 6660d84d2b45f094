from collections.abc import Callable

import keras
import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from .data import Examples, Schema
from .evaluate import measure, score


def score_with_intervals(model: keras.Model, schema: Schema, examples: Examples) -> pd.DataFrame:
    """Score a model, with the 95 % intervals of its scores, `low` to `high`.

    `better` says whether the whole interval is on the better side of the baseline.
    """
    predictions, scores = model.predict(examples.inputs, verbose=0), score(model, schema, examples)
    intervals = []
    for task in schema.tasks:
        rows = examples.weights[task.name] > 0
        labels, predicted = examples.labels[task.name][rows], predictions[task.name][rows]
        intervals += [interval(function, labels, predicted) for function in task.scores.values()]
    low, high = np.array(intervals).T
    errors = {(task.name, name) for task in schema.tasks for name in task.errors}
    lower = np.array([pair in errors for pair in zip(scores["task"], scores["score"], strict=True)])
    better = np.where(lower, high < scores["baseline"], low > scores["baseline"])
    return scores.assign(low=low, high=high, better=better)


def interval(
    function: Callable[..., float], labels: np.ndarray, predicted: np.ndarray
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
