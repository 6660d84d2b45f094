"""The page and the model card of a run."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from the_package import InputError, config, evaluate, report, runs
from the_package.model import build_model


@pytest.fixture
def untrained(splits, tmp_path):
    """The directory of a run of one epoch; its model has not learned anything."""
    model = build_model(splits.schema)
    model.save(tmp_path / "best.keras")
    saved = runs.settings(config.TrainingOptions()) | {"table": splits.digest}
    runs.write_json(tmp_path / "config.json", saved)
    runs.write_json(tmp_path / "schema.json", asdict(splits.schema))
    pd.DataFrame({"epoch": [0, 1], "val_loss": [2.0, 3.0]}).to_csv(tmp_path / "history.csv")
    scores = evaluate.score(model, splits.schema, splits.test)
    scores.to_json(tmp_path / "metrics.json", orient="records")
    return tmp_path


def test_page_has_every_task_and_needs_no_other_file(untrained, table):
    report.report(untrained, table)
    page = (untrained / "report.html").read_text(encoding="utf-8")
    for task in config.TASKS:
        assert f"<h2>{task.name}</h2>" in page
    assert page.count("<img") >= len(config.TASKS)
    assert page.count("<img") == page.count('src="data:image/png;base64,')


def test_card_has_scores_of_held_out_rows_and_the_best_epoch(untrained, table, splits):
    report.report(untrained, table)
    card = (untrained / "MODEL_CARD.md").read_text(encoding="utf-8")
    for score in json.loads((untrained / "metrics.json").read_text()):
        assert f"\n{score['task']}|{score['score']}|{score['model']:.4g}|" in card
    assert splits.digest in card and "Number 1 is the best by `val_loss`" in card


def test_names_from_a_table_cannot_be_markup(untrained, table):
    named = table.with_name("<b>&.csv")
    named.write_bytes(table.read_bytes())
    report.report(untrained, named)
    named.unlink()
    page = (untrained / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.csv" in page and "<b>" not in page


def test_curve_of_a_calibrated_model_is_the_diagonal():
    expected = np.repeat(np.arange(10) / 10, 10)
    true = np.concatenate([np.arange(10) < 10 * share for share in np.arange(10) / 10])
    means = report.tenths(expected, true)
    np.testing.assert_allclose(means["expected"], means["true"])
    assert len(means) == 10


@pytest.mark.parametrize("name", ["config.json", "history.csv", "metrics.json", "best.keras"])
def test_damaged_run_is_one_line_and_writes_nothing(untrained, table, name):
    (untrained / name).write_text("[")
    with pytest.raises(InputError):
        report.report(untrained, table)
    assert not list(untrained.glob("*report.html")) + list(untrained.glob("*MODEL_CARD.md"))
