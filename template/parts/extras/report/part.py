import base64
import html
import io
from collections.abc import Callable, Iterator
from functools import singledispatch
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import bootstrap

from . import InputError
from .data import Examples, Schema, encode
from .evaluate import labeled_rows, measure, score
from .kinds import Kind
from .report import SECTIONS
from .runs import load_run, read_json, replaced
from .tables import read_table

STYLE = "body {font-family: sans-serif; margin: 2rem} td {padding: 0.3rem; text-align: right}"


def report(run: Path, table: Path) -> None:
    """Write report.html, about a table with labels, and MODEL_CARD.md. Raises InputError."""
    model, schema = load_run(run)
    card = model_card(run, schema)
    examples = encode(read_table(table), table.parent, schema)
    title = safe(f"{run.resolve().name} on {table.name}")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    page = ["<!DOCTYPE html>", '<html lang="en">', head, f"<h1>{title}</h1>"]
    for section in SECTIONS:
        page += section(model, schema, examples)
    for name, text in {"report.html": "\n".join(page), "MODEL_CARD.md": card}.items():
        with replaced(run / name) as draft:
            draft.write_text(text, encoding="utf-8")
    print(f"report.html and MODEL_CARD.md are in {run}.")


def model_card(run: Path, schema: Schema) -> str:
    """Write in Markdown what a model learned, from what, and how well. Raises InputError."""
    facts = read_json(run / "config.json")
    try:
        scores = pd.read_json(run / "metrics.json")
        losses = pd.read_csv(run / "history.csv")[facts["monitor"]]
        best = losses.idxmin() + 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{run}: training has not ended, or damaged a file: {error}") from None
    facts |= {"inputs": schema.inputs.summary(), "epochs trained": len(losses), "best epoch": best}
    header, *rows = scores.to_csv(index=False, sep="|", float_format="%.4g").splitlines()
    table = "\n".join([header, "---|" * len(scores.columns), *rows])
    return f"""# Model card: {safe(run.resolve().name)}

## Tasks

{bullets({task.name: describe(task) for task in schema.tasks})}

## Scores of held-out rows

{table}

## Training

{bullets(facts)}

## Limits

- The model is for rows like those of the table; other places and times may differ.
- Without a column `split` that keeps related rows together, scores are too good.
"""


def score_section(model: keras.Model, schema: Schema, examples: Examples) -> Iterator[str]:
    """Show the scores and their intervals, beside the baselines."""
    scores = score(model, schema, examples)
    scores[["low", "high"]] = [
        interval(function, labels, predicted)
        for task, labels, predicted in labeled_rows(model, schema, examples)
        for function in task.scores.values()
    ]
    yield as_table(scores.set_index("task"))
    yield "<p>From low to high is the 95 % interval. The baseline is the best constant prediction."
    yield "Scores of rows that the model was trained on are too good.</p>"


def interval(
    function: Callable[..., float], labels: np.ndarray, predicted: np.ndarray
) -> tuple[float, float]:
    """Estimate the 95 % interval of a score by bootstrap samples of the rows, 1,000 or fewer."""
    if len(labels) < 2:
        return np.nan, np.nan
    samples = bootstrap(
        (np.arange(len(labels)),),
        lambda rows: measure(function, labels[rows], predicted[rows]),
        n_resamples=max(100, min(1000, 20_000_000 // len(labels))),
        vectorized=False,
        rng=np.random.default_rng(0),
        method="percentile",
    ).bootstrap_distribution
    low, high = pd.Series(samples).quantile([0.025, 0.975])  # of the samples that define the score
    return low, high


def task_sections(model: keras.Model, schema: Schema, examples: Examples) -> Iterator[str]:
    """Show for each task which predictions are wrong, and how far they can be relied on."""
    for task, labels, predicted in labeled_rows(model, schema, examples):
        yield f"<h2>{safe(task.name)}</h2>\n<p>{safe(describe(task))}</p>"
        if len(labels):
            yield show_errors(task, labels, predicted)


@singledispatch
def describe(task: Kind) -> str:
    """Say what a task predicts, and what its labels were in training."""
    raise NotImplementedError


@singledispatch
def show_errors(task: Kind, labels: np.ndarray, predicted: np.ndarray) -> str:
    """Show in HTML which predictions are wrong, and whether they are calibrated."""
    raise NotImplementedError


def safe(text: object) -> str:
    """Write a value, which may be from a table, as one line without markup."""
    return html.escape(" ".join(str(text).split()), quote=False)


def bullets(facts: dict[str, Any]) -> str:
    """Write a list in Markdown."""
    return "\n".join(f"- `{name}`: {safe(value)}" for name, value in facts.items())


def as_table(table: pd.DataFrame) -> str:
    """Write a table, or the ends of a large one, as HTML."""
    return table.to_html(max_rows=100, max_cols=100, float_format="{:.4g}".format, na_rep="-")


def picture(display: Any, true: np.ndarray, predicted: np.ndarray, **options: Any) -> str:
    """Draw a display of scikit-learn as HTML that needs no file."""
    figure, png = Figure(layout="constrained"), io.BytesIO()
    display.from_predictions(true, predicted, ax=figure.subplots(), **options)
    figure.savefig(png, format="png")
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}">'
