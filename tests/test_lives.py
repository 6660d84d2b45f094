"""What happens to a run after it was started, by the commands of a project, in real processes."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import as_in_a_terminal

from generator.projects import render

PROJECTS = {
    "tensorflow": {"loss_weighting": "dwa", "backend": "tensorflow"},
    "jax": {"loss_weighting": "famo", "backend": "jax"},
}
SMALL = {
    "package": "lives",
    "tasks": "price:regression, sold:binary",
    "trunk_units": "8",
    "head_units": "4",
}


@pytest.fixture(scope="module", params=PROJECTS)
def project(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A small project, its sample data set, and a short run of it."""
    folder = tmp_path_factory.mktemp("lives") / request.param
    render.render(template, SMALL | PROJECTS[request.param], folder)
    assert run(folder, "sample").returncode == 0
    done = run(folder, "train", "--data", "data/sample.csv", "--run", "first", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    return folder


def start(project: Path, command: str, *arguments: str) -> subprocess.Popen[str]:
    """A command of a project, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": "src", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("KERAS_BACKEND", None)
    return subprocess.Popen(
        [sys.executable, "-m", f"lives.{command}", *arguments],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=as_in_a_terminal,
    )


def run(project: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What comes of a command."""
    process = start(project, command, *arguments)
    out, err = process.communicate()
    return subprocess.CompletedProcess([command, *arguments], process.returncode, out, err)


def history(project: Path, name: str) -> list[dict[str, str]]:
    """The history of a run, digit by digit."""
    with (project / name / "history.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_killed_between_its_stages_goes_on_as_if_it_had_not_been(project: Path) -> None:
    table = ("--data", "data/sample.csv")
    staged = ("--trunk-from", "first", "--freeze-trunk", "--unfreeze-after", "3")
    long = ("--epochs", "100000", "--patience", "100000")
    process = start(project, "train", *table, *staged, *long, "--run", "killed")
    assert process.stdout
    for line in process.stdout:  # its first epoch is written, and some more are under way
        if (project / "killed" / "last.keras").exists() and line.startswith("Epoch"):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    epochs = ("--epochs", str(max(len(history(project, "killed")), 4) + 2))
    assert run(project, "train", "--resume", "killed", *epochs).returncode == 0
    whole = run(project, "train", *table, *staged, *long[2:], *epochs, "--run", "whole")
    assert whole.returncode == 0
    assert history(project, "killed") == history(project, "whole")
    metrics = [json.loads((project / name / "metrics.json").read_text()) for name in
               ("killed", "whole")]  # fmt: skip
    assert metrics[0] == metrics[1]
    for name in ("metrics.json", "last.keras", "best.keras"):  # as if killed at once
        (project / "whole" / name).unlink()
    assert run(project, "train", "--resume", "whole", *staged[3:]).returncode == 0
    assert history(project, "killed") == history(project, "whole")
    assert json.loads((project / "whole" / "metrics.json").read_text()) == metrics[0]


def test_a_run_in_mixed_precision_goes_on_in_it_and_predicts_in_single(project: Path) -> None:
    mixed = ("--run", "mixed", "--precision", "mixed_bfloat16", "--epochs", "2")
    done = run(project, "train", "--data", "data/sample.csv", *mixed)
    assert done.returncode == 0, done.stderr
    assert history(project, "mixed") != history(project, "first")
    done = run(project, "train", "--resume", "mixed", "--precision", "float32", "--epochs", "3")
    assert done.returncode == 2
    assert "--precision float32: mixed has mixed_bfloat16" in done.stderr
    done = run(project, "train", "--resume", "mixed", "--epochs", "3")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(project / "mixed" / "last.keras") as file:
        assert b"mixed_bfloat16" in file.read("config.json")
    with zipfile.ZipFile(project / "mixed" / "trunk.keras") as file:
        assert b"bfloat16" not in file.read("config.json")


def test_an_interrupted_run_says_how_it_goes_on(project: Path) -> None:
    more = ("--epochs", "100000", "--patience", "100000", "--run", "interrupted")
    process = start(project, "train", "--data", "data/sample.csv", *more)
    assert process.stdout
    for line in process.stdout:
        if (project / "interrupted" / "last.keras").exists() and line.startswith("Epoch"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "lives.train --resume interrupted" in out
    assert (project / "interrupted" / "MODEL_CARD.md").is_file()


def test_a_disk_that_is_full_ends_with_one_line_and_the_earlier_file(project: Path) -> None:
    (project / "predicted.csv").write_text("earlier\n", encoding="utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        process = start(
            project, "predict", "first", "data/sample.csv", "--out", "predicted.csv", "--force"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    _, err = process.communicate()
    assert process.returncode == 2
    assert [line for line in err.splitlines() if line.startswith("error: ")] and "File too" in err
    assert "Traceback" not in err
    assert (project / "predicted.csv").read_text(encoding="utf-8") == "earlier\n"
    assert not list(project.glob(".predicted*"))


def test_a_comparison_goes_on_where_it_was_interrupted(project: Path) -> None:
    arguments = ("--data", "data/sample.csv", "--epochs", "1", "--seeds", "2")
    done = run(project, "compare", *arguments)
    assert done.returncode == 0, done.stderr
    path = project / "compare" / "results.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    networks = {result["network"] for result in kept["results"]}
    assert {"multi_task", "single", "equal", "favour_price", "favour_sold"} == networks
    assert len(kept["results"]) == 2 * len(networks)
    last = kept["results"].pop()
    path.write_text(json.dumps(kept), encoding="utf-8")
    again = run(project, "compare", *arguments)
    assert again.stdout.count(" of 10: ") == 1
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    assert {**results[-1], "seconds": 0} == {**last, "seconds": 0}
    assert results[:-1] == kept["results"]
