"""How well a trained model does on a table, beside the best constant prediction."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from scipy.stats import bootstrap

from .data import Examples, Schema, encode
from .kinds import ScoreFunction
from .runs import load_run, write_json
from .tables import read_table


@dataclass(frozen=True)
class Score:
    """One score of one task over its labeled rows; None where the rows do not define it.

    low, high: the 95 % interval of `model`, over tables of rows like these.
    better: whether the whole interval is on the better side of the baseline.
    """

    task: str
    metric: str
    rows: int
    better: bool
    model: float | None
    low: float | None
    high: float | None
    baseline: float | None


def evaluate(run: Path, table: Path) -> list[Score]:
    """Score a run's best model on a table, also in RUN/evaluation-TABLE.json. Raises InputError."""
    model, schema = load_run(run)
    scores = score(model, schema, encode(read_table(table), table.parent, schema))
    write_json(run / f"evaluation-{table.stem}.json", [asdict(each) for each in scores])
    return scores


def score(model: keras.Model, schema: Schema, examples: Examples) -> list[Score]:
    """Compute the scores of a model, and those of the best constant prediction."""
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
            found = (None if np.isnan(v) else float(v) for v in (value, low, high, baseline))
            scores.append(Score(task.name, name, len(labels), bool(better), *found))
    return scores


def measure(function: ScoreFunction, labels: np.ndarray, predicted: np.ndarray) -> float:
    """Compute a score; NaN where the rows do not define it, such as the AUC of one class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = function(labels, predicted) if len(labels) else np.nan
    return value if np.isfinite(value) else np.nan


def interval(
    function: ScoreFunction, labels: np.ndarray, predicted: np.ndarray
) -> tuple[float, float]:
    """Estimate the 95 % interval of a score by the percentiles of bootstrap samples of the rows.

    There are 1,000 samples; fewer for more than 20,000 rows, down to 100. Efron and Tibshirani, "An
    Introduction to the Bootstrap" (1993), section 13.3.
    """
    if len(labels) < 2:
        return np.nan, np.nan
    values = bootstrap(
        (np.arange(len(labels)),),
        lambda rows: measure(function, labels[rows], predicted[rows]),
        vectorized=False,
        n_resamples=max(100, min(1000, 20_000_000 // len(labels))),
        method="percentile",
        rng=np.random.default_rng(0),
    ).bootstrap_distribution
    low, high = np.nanquantile(values, [0.025, 0.975])
    return low, high


def print_scores(scores: Sequence[Score]) -> None:
    """Print a table: this model with its 95 % interval beside the best constant prediction."""
    width = max(len("task"), *(len(score.task) for score in scores))
    print(f"{'task':{width}}  metric    this model    (95 % interval)    baseline  labeled rows")
    for score in scores:
        values = (score.model, score.low, score.high, score.baseline)
        model, low, high, baseline = ("-" if v is None else f"{v:.4g}" for v in values)
        middle = f"{model:>10}  {f'({low} to {high})':>17}  {baseline:>10}  {score.rows:12}"
        note = "" if score.better else "  not surely better than the baseline"
        print(f"{score.task:{width}}  {score.metric:8}  {middle}{note}")
