"""The page and the model card of a run."""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from the_package import InputError, config, evaluate, report, runs
from the_package.model import build_model


@pytest.fixture(scope="module")
def reported(splits, table, tmp_path_factory):
    """The directory of a run, with the report on a table whose name is markup."""
    run = tmp_path_factory.mktemp("reported")
    model = build_model(splits.schema)  # it has not learned anything
    model.save(run / "best.keras")
    saved = runs.settings(config.TrainingOptions()) | {"table": splits.digest}
    runs.write_json(run / "config.json", saved)
    runs.write_json(run / "schema.json", asdict(splits.schema))
    pd.DataFrame({"epoch": [0, 1], "val_loss": [2.0, 3.0]}).to_csv(run / "history.csv")
    scores = evaluate.score(model, splits.schema, splits.test)
    scores.to_json(run / "metrics.json", orient="records")
    named = shutil.copy(table, table.with_name("<b>&.csv"))  # beside the files that it names
    report.report(run, named)
    named.unlink()
    return run


def test_page_has_every_task_and_needs_no_other_file(reported):
    page = (reported / "report.html").read_text(encoding="utf-8")
    for task in config.TASKS:
        assert f"<h2>{task.name}</h2>" in page
    assert page.count("<img") >= len(config.TASKS)
    assert page.count("<img") == page.count('src="data:image/png;base64,')


def test_names_from_a_table_cannot_be_markup(reported):
    page = (reported / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.csv" in page and "<b>" not in page


def test_card_has_scores_of_held_out_rows_and_the_best_epoch(reported, splits):
    card = (reported / "MODEL_CARD.md").read_text(encoding="utf-8")
    for score in json.loads((reported / "metrics.json").read_text()):
        assert f"\n{score['task']}|{score['score']}|{score['model']:.4g}|" in card
    assert splits.digest in card and "- `best epoch`: 1\n" in card


def test_task_without_labels_has_a_section_without_pictures(splits):
    none = {name: np.zeros_like(weights) for name, weights in splits.test.weights.items()}
    rows = build_model(splits.schema), splits.schema, replace(splits.test, weights=none)
    page = "".join(part for section in report.SECTIONS for part in section(*rows))
    for task in config.TASKS:
        assert f"<h2>{task.name}</h2>" in page
    assert "<img" not in page


def test_interval_of_a_mean_is_1_96_standard_errors_wide():
    labels = np.random.default_rng(0).normal(size=(2000, 1))
    half = 1.96 * labels.std() / np.sqrt(len(labels))
    low, high = report.interval(lambda y, _: np.mean(y), labels, labels)
    assert low == pytest.approx(labels.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(labels.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize("name", ["config.json", "history.csv", "metrics.json", "best.keras"])
def test_damaged_run_is_one_line_and_writes_nothing(reported, table, tmp_path, name):
    run = shutil.copytree(reported, tmp_path / "run", ignore=shutil.ignore_patterns("*report*"))
    (run / "MODEL_CARD.md").unlink()
    (run / name).write_text("[")
    with pytest.raises(InputError):
        report.report(run, table)
    assert not list(run.glob("*report.html")) + list(run.glob("*MODEL_CARD.md"))
