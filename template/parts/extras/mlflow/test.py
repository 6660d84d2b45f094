"""Test what MLflow has of a run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from the_package import InputError
from the_package.track_mlflow import connect, keep_files, track


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the directory of a run that has begun."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = tmp_path / "runs" / "first run"
    run.mkdir(parents=True)
    settings = {"epochs": 3, "seed": 0, "TASKS": ["task"] * 5_000}
    (run / "config.json").write_text(json.dumps(settings))
    return run


def values(run: Path, name: str) -> list[tuple[int, float]]:
    client, run_id = connect(run)
    return [(value.step, value.value) for value in client.get_metric_history(run_id, name)]


def logged(run: Path) -> Any:
    client, run_id = connect(run)
    return client.get_run(run_id)


def test_settings_and_each_epoch_are_logged(run: Path) -> None:
    callback = track(run)
    callback.on_epoch_end(0, {"loss": 2.5, "task_weight": 1.0})
    callback.on_epoch_end(1, {"loss": 1.5, "task_weight": 3.0})
    assert values(run, "loss") == [(0, 2.5), (1, 1.5)]
    assert values(run, "task_weight") == [(0, 1.0), (1, 3.0)]
    assert logged(run).data.params["epochs"] == "3"
    assert logged(run).info.run_name == "first run"
    assert (run.parent / "mlruns").is_dir()


def test_a_resumed_run_continues_the_same_mlflow_run(run: Path) -> None:
    track(run).on_epoch_end(0, {"loss": 2.5})
    keep_files(run)
    assert logged(run).info.status == "FINISHED"
    (run / "config.json").write_text(json.dumps({"epochs": 5}))
    track(run).on_epoch_end(1, {"loss": 1.5})
    assert logged(run).info.status == "RUNNING"
    assert values(run, "loss") == [(0, 2.5), (1, 1.5)]
    client, _ = connect(run)
    assert len(client.search_runs(["0"])) == 1


def test_files_of_the_run_are_kept(run: Path) -> None:
    for name in ("best.keras", "last.npz", ".lock"):
        (run / name).write_bytes(b"content")
    keep_files(run)
    client, run_id = connect(run)
    kept = {file.path for file in client.list_artifacts(run_id)}
    assert kept == {"best.keras", "config.json", "mlflow.json"}


def test_unknown_mlflow_run_is_named_in_one_line(run: Path) -> None:
    (run / "mlflow.json").write_text(json.dumps({"run_id": "0" * 32}))
    with pytest.raises(InputError, match=r"mlflow\.json.*remove it") as error:
        track(run)
    assert "\n" not in str(error.value)


def test_import_of_the_module_leaves_the_environment_alone() -> None:
    program = "import os, sys; before = dict(os.environ); import the_package.track_mlflow\n"
    program += "assert 'mlflow' not in sys.modules and not any('MLFLOW' in k for k in os.environ)"
    clean = {k: v for k, v in os.environ.items() if "MLFLOW" not in k}
    clean["PYTHONPATH"] = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", program], env=clean, check=True)
