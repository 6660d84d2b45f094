import base64
import html
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import InputError, config
from .data import Arrays, Examples, Schema, encode
from .evaluate import score
from .kinds import Kind
from .report import SECTIONS
from .runs import load_run, read_json, replaced
from .tables import read_table

STYLE = """
body { font-family: sans-serif; max-width: 60rem; margin: 2rem auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid #ccc; padding: 0.3rem 0.6rem; text-align: right; }
img { max-width: 100%; }
"""


@dataclass(frozen=True)
class Evaluated:
    """The best model of a run, and how it does on a table."""

    model: keras.Model
    schema: Schema
    examples: Examples
    predictions: Arrays
    scores: pd.DataFrame


Section = Callable[[Evaluated], Iterator[str]]  # parts of the page, in HTML
Curve = tuple[np.ndarray, np.ndarray]


@singledispatch
def describe(task: Kind) -> str:
    """Say what a task predicts, and how its labels were distributed in training."""
    raise NotImplementedError


@singledispatch
def draw_errors(task: Kind, axes: Axes, labels: np.ndarray, predicted: np.ndarray) -> None:
    """Draw which predictions are wrong."""
    raise NotImplementedError


@singledispatch
def calibration(task: Kind, labels: np.ndarray, predicted: np.ndarray) -> Curve:
    """Average labels, and predictions, in groups of rows that have similar predictions."""
    raise NotImplementedError


def report(run: Path, table: Path) -> None:
    """Write report.html, about a table with labels, and MODEL_CARD.md. Raises InputError."""
    model, schema = load_run(run)
    card = model_card(run, schema, model.count_params())
    examples = encode(read_table(table), table.parent, schema)
    predictions = model.predict(examples.inputs, verbose=0)
    found = Evaluated(model, schema, examples, predictions, score(model, schema, examples))
    title = safe(f"{run.resolve().name} on {table.name}")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    body = "\n".join([f"<h1>{title}</h1>", *(part for make in SECTIONS for part in make(found))])
    page = f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'
    for name, text in {"report.html": page, "MODEL_CARD.md": card}.items():
        with replaced(run / name) as draft:
            draft.write_text(text, encoding="utf-8")
    print(f"report.html and MODEL_CARD.md are in {run}.")


def safe(text: str) -> str:
    """Write a text, which may be from a table, as one line without markup."""
    return html.escape(" ".join(text.split()))


def scores_section(found: Evaluated) -> Iterator[str]:
    """Show the scores beside the baselines."""
    yield (
        "<p>Low and high are the 95 % interval of the model's score, by the bootstrap over rows. "
        "The baseline is the best constant prediction. Scores of rows that the model was trained "
        "on are too good.</p>"
    )
    yield as_table(found.scores, index=False)


def task_sections(found: Evaluated) -> Iterator[str]:
    """Show for each task where its predictions are wrong, and how far they can be relied on."""
    for task in found.schema.tasks:
        rows = found.examples.weights[task.name] > 0
        yield f"<h2>{safe(task.name)}</h2>\n<p>{safe(describe(task))}</p>"
        if rows.any():
            labels, predicted = found.examples.labels[task.name], found.predictions[task.name]
            figure = Figure(figsize=(9, 4), layout="constrained")
            draw_errors(task, figure.add_subplot(1, 2, 1), labels[rows], predicted[rows])
            observed, expected = calibration(task, labels[rows], predicted[rows])
            axes = figure.add_subplot(1, 2, 2, xlabel="predicted", ylabel="observed")
            axes.set_title("calibration")
            axes.plot(expected, observed, marker="o")
            axes.axline((np.mean(expected), np.mean(expected)), slope=1, color="black", linewidth=1)
            yield as_image(figure)


def as_table(table: pd.DataFrame, index: bool = True) -> str:
    """Write a table as HTML."""
    return table.to_html(index=index, float_format="{:.4g}".format, na_rep="-", border=0)


def as_image(figure: Figure) -> str:
    """Write a picture as HTML that needs no file."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=100)
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}">'


def model_card(run: Path, schema: Schema, parameters: int) -> str:
    """Write in Markdown what a model learned, from what, and how well. Raises InputError."""
    saved = read_json(run / "config.json")
    try:
        history, scores = pd.read_csv(run / "history.csv"), pd.read_json(run / "metrics.json")
        watched = config.TrainingOptions(monitor=saved["monitor"]).watched
        best = history["epoch"][history[watched].idxmin()] + 1
        few = scores["task"][scores["rows"] < 100].unique()
        unsure = scores[scores["better"] != 1].itertuples()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{run}: training has not ended, or damaged a file: {error}") from None
    header, *lines = scores.to_csv(index=False, sep="|", float_format="%.4g").splitlines()
    sections = {
        "Tasks": [f"`{task.name}`: {safe(describe(task))}" for task in schema.tasks],
        "Data": [
            f"Table: {safe(saved['data'] or 'the sample data set, which is made up')}",
            f"SHA-256 of the file: {saved['table']}",
            safe(schema.inputs.summary()),
        ],
        "Training": [
            f"Epochs: {len(history)}, of which number {best} is the best by `{watched}`",
            f"Parameters: {parameters:,}",
            *(f"`{k}`: {safe(str(v))}" for k, v in saved.items() if k not in ("TASKS", "table")),
        ],
        "Limits": [
            "The model is for rows like those of the table; other places and times may differ.",
            "Scores are too good if rows that belong together are in several parts of the table. "
            "A column `split` keeps them together.",
            *(f"`{task}`: few held-out rows have a label" for task in few),
            *(f"`{s.task}`: {s.score} may be no better than the baseline" for s in unsure),
        ],
    }
    text = "".join(
        f"\n## {title}\n\n" + "".join(f"- {line}\n" for line in lines)
        for title, lines in sections.items()
    )
    table = "\n".join([header, re.sub("[^|]+", "---", header), *lines])
    return f"# Model card: {safe(run.resolve().name)}\n{text}\n## Scores of held-out rows\n\n{table}\n"
