"""Tables larger than memory: what a training takes of it, and what it makes of the same rows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from generator.benchmarks.measuring import environment
from generator.benchmarks.streaming import peak
from generator.projects import render

ALL_KINDS = "price:regression, sold:binary, colour:multiclass(3), tags:multilabel(4)"

# Of a window, in MiB; about four are in memory at once, beside the held-out rows.
WINDOW = 2
# Of the larger table, whose texts are as many columns of zeros and ones.
ROWS, TEXTS, NAMES = 60_000, 8, 100
# What the larger table may take beyond one of a twentieth of its rows, in MiB.
BOUND = 60


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project that reads tables whole, and one that reads small windows of them."""
    folder = tmp_path_factory.mktemp("projects")
    projects = {name: folder / name for name in ("whole", "by_groups")}
    for name, project in projects.items():
        streaming = "none" if name == "whole" else "row_groups"
        answers = {"package": name, "streaming": streaming, "backend": "jax", "tasks": ALL_KINDS}
        render.render(template, answers, project)
    module = projects["by_groups"] / "src/by_groups/streaming.py"
    text = module.read_text(encoding="utf-8")
    for old, new in (
        ("WINDOW_BYTES = 64 * 2**20", f"WINDOW_BYTES = {WINDOW} * 2**20"),
        ("HELD_OUT_ROWS = 100_000", "HELD_OUT_ROWS = 1_000"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    module.write_text(text, encoding="utf-8")
    return projects


def labels_of(score: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Labels of each kind that follow a score, some of them missing."""
    sold = pd.Series(np.where(score > 0, "yes", "no"))
    colours = np.array(["red", "green", "blue"])[np.digitize(score, [-0.5, 0.5])]
    tags = np.array(["|", "a", "a|b", "a|b|c", "a|b|c|d"])[np.digitize(score, [-2, -1, 0, 1])]
    sold = sold.where(rng.random(len(score)) < 0.9)
    return pd.DataFrame({"price": score, "sold": sold, "colour": colours, "tags": tags})


def write_texts(path: Path, rows: int) -> Path:
    """A table of names, which takes far more memory than the file is long."""
    rng = np.random.default_rng(0)
    names = np.array([f"name {i}" for i in range(NAMES)])
    codes = rng.integers(NAMES, size=(rows, TEXTS))
    table = labels_of(codes[:, 0] / 50 - 1 + rng.normal(0, 0.5, rows), rng)
    table = table.assign(**{f"x{i}": names[codes[:, i]] for i in range(TEXTS)})
    table.to_parquet(path, index=False, row_group_size=1000)
    return path


def test_a_table_twenty_times_the_windows_takes_no_more_memory_than_a_small_one(
    projects: dict[str, Path], tmp_path: Path
) -> None:
    assert ROWS * TEXTS * NAMES * 4 > 20 * 4 * WINDOW * 2**20
    importable = environment("jax", projects.values())
    peaks = {}
    for rows in (ROWS // 20, ROWS):
        table = write_texts(tmp_path / f"{rows}.parquet", rows)
        peaks[rows] = peak("by_groups", table, tmp_path / f"run-{rows}", importable)
    assert peaks[ROWS] - peaks[ROWS // 20] < BOUND


BOTH = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from by_groups import streaming
from whole import data

table = Path(sys.argv[1])
print(json.dumps([asdict(load(table, 0).schema) for load in (data.load, streaming.load)]))
"""


def test_the_same_training_rows_give_the_same_schema_as_in_memory(
    projects: dict[str, Path], tmp_path: Path
) -> None:
    table, rng = tmp_path / "table.parquet", np.random.default_rng(1)
    score = rng.normal(0, 1, 10_000)
    cells = labels_of(score + rng.normal(0, 1, 10_000), rng).assign(x0=score, x1=3 * score + 10)
    some = rng.random(len(cells)) < 0.3
    cells["split"] = rng.choice(["train", "validation", "test"], len(cells), p=[0.8, 0.1, 0.1])
    cells["x0"] = cells["x0"].mask(some)
    cells["x1"] = (1e4 + 1e3 * cells["x1"]).astype(int)
    cells["texts"] = pd.Series(
        rng.choice(["a", "b", "c", "NA"], len(cells), p=[0.4, 0.3, 0.2, 0.1])
    )
    cells["numbers as texts"] = cells["x1"].astype(str).mask(some, "")
    cells["flags"] = rng.random(len(cells)) < 0.2
    cells["many"] = [f"{n:.0f}" if n % 3 else f"name {n}" for n in rng.geometric(0.02, len(cells))]
    cells["constant"], cells["empty"], cells["nothing"] = 7, np.nan, None
    cells["sold"] = cells["sold"].map({"yes": 1, "no": 0})
    cells.to_parquet(table, index=False, row_group_size=700)
    printed = subprocess.check_output(
        [sys.executable, "-c", BOTH, str(table)],
        env={**os.environ, **environment("jax", projects.values())},
    )
    whole, by_groups = json.loads(printed)
    assert len(whole["columns"]) == 9
    for ours, theirs in zip(by_groups["columns"], whole["columns"], strict=True):
        for name in ("mean", "std"):
            assert ours.pop(name) == pytest.approx(theirs.pop(name), rel=1e-9, abs=1e-12)
        assert sorted(ours.pop("categories") or []) == sorted(theirs.pop("categories") or [])
        assert ours == theirs
    for task, ours in by_groups["targets"].items():
        theirs = whole["targets"][task]
        assert ours.pop("classes") == theirs.pop("classes")
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, rel=1e-9), (task, name)
