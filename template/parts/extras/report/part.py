import base64
import html
import io
from collections.abc import Iterator
from functools import singledispatch
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import InputError, config
from .data import Examples, Schema, encode
from .kinds import Kind
from .report import SECTIONS, score_with_intervals
from .runs import load_run, read_json, replaced
from .tables import read_table

STYLE = "body {font-family: sans-serif; margin: 2rem} td, th {padding: 0.3rem; text-align: right}"
EXPLAINED = "Low to high: 95 % interval. Better: all of it beats the baseline, the best constant."


def report(run: Path, table: Path) -> None:
    """Write report.html, about a table with labels, and MODEL_CARD.md. Raises InputError."""
    model, schema = load_run(run)
    card = model_card(run, schema)
    examples = encode(read_table(table), table.parent, schema)
    title = safe(f"{run.resolve().name} on {table.name}")
    page = [f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><style>{STYLE}</style>']
    page += [f"<title>{title}</title>", f"<h1>{title}</h1>"]
    page += [as_table(score_with_intervals(model, schema, examples).set_index("task"))]
    page += [f"<p>{EXPLAINED} Scores of rows that the model was trained on are too good.</p>"]
    for section in SECTIONS:
        page += section(model, schema, examples)
    for name, text in {"report.html": "\n".join(page), "MODEL_CARD.md": card}.items():
        with replaced(run / name) as draft:
            draft.write_text(f"{text}\n", encoding="utf-8")
    print(f"report.html and MODEL_CARD.md are in {run}.")


def task_sections(model: keras.Model, schema: Schema, examples: Examples) -> Iterator[str]:
    """Show for each task which predictions are wrong, and how far they can be relied on."""
    predictions = model.predict(examples.inputs, verbose=0)
    for task in schema.tasks:
        rows = examples.weights[task.name] > 0
        labels, predicted = examples.labels[task.name][rows], predictions[task.name][rows]
        yield f"<h2>{safe(task.name)}</h2>\n<p>{safe(describe(task))}</p>"
        if rows.any():
            yield show_errors(task, labels, predicted)
            yield show_calibration(tenths(*certainty(task, labels, predicted)))


@singledispatch
def describe(task: Kind) -> str:
    """Say what a task predicts, and what its labels were in training."""
    raise NotImplementedError


@singledispatch
def show_errors(task: Kind, labels: np.ndarray, predicted: np.ndarray) -> str:
    """Show which predictions are wrong, in HTML."""
    raise NotImplementedError


@singledispatch
def certainty(task: Kind, labels: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return what is expected, and what came true: equal on average if a model is calibrated."""
    return predicted.ravel(), labels.ravel()


def tenths(expected: np.ndarray, true: np.ndarray) -> pd.DataFrame:
    """Average both in tenths of the rows, by what is expected."""
    groups = np.ceil(10 * pd.Series(expected).rank(pct=True))
    return pd.DataFrame({"expected": expected, "true": true}).groupby(groups).mean()


def show_calibration(means: pd.DataFrame) -> str:
    """Draw what came true by what was expected, beside the diagonal."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot(title="calibration", xlabel="predicted", ylabel="observed")
    axes.axline((means["expected"].mean(),) * 2, slope=1, color="black", linewidth=1)
    axes.plot(means["expected"], means["true"], marker="o")
    return as_image(figure)


def safe(text: object) -> str:
    """Write a value, which may be from a table, as one line without markup."""
    return html.escape(" ".join(str(text).split()))


def as_table(table: pd.DataFrame) -> str:
    """Write a table, or the ends of a large one, as HTML."""
    return table.to_html(max_rows=40, max_cols=40, float_format="{:.4g}".format, na_rep="-")


def as_image(figure: Figure) -> str:
    """Write a picture as HTML that needs no file."""
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}">'


def model_card(run: Path, schema: Schema) -> str:
    """Write in Markdown what a model learned, from what, and how well. Raises InputError."""
    saved = read_json(run / "config.json")
    try:
        history, scores = pd.read_csv(run / "history.csv"), pd.read_json(run / "metrics.json")
        watched = config.TrainingOptions(monitor=saved["monitor"]).watched
        best = history["epoch"][history[watched].idxmin()] + 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{run}: training has not ended, or damaged a file: {error}") from None
    header, *rows = scores.to_csv(index=False, sep="|", float_format="%.4g").splitlines()
    sections = {
        "Tasks": [f"- `{task.name}`: {safe(describe(task))}" for task in schema.tasks],
        "Scores of held-out rows": [header, "---|" * len(scores.columns), *rows],
        "Training": [
            f"- Table: {safe(saved.get('data') or 'sample data')}. {safe(schema.inputs.summary())}",
            f"- Epochs: {len(history)}. Number {best} is the best by `{watched}`.",
            *(f"- `{name}`: {safe(value)}" for name, value in saved.items() if name != "TASKS"),
        ],
        "Limits": [
            "- The model is for rows like those of the table; other places and times may differ.",
            "- Without a column `split` that keeps related rows together, scores are too good.",
        ],
    }
    parts = ["\n".join([f"## {title}", "", *lines]) for title, lines in sections.items()]
    return "\n\n".join([f"# Model card: {safe(run.resolve().name)}", *parts])
