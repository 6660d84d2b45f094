"""The search of a project: several processes at once, an interruption, the way back to Copier."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import yaml
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from updating import commit, template_repository

from generator.projects import render

ANSWERS = {
    "package": "searched",
    "tasks": "price:regression, sold:binary",
    "head_units": "8; ",
    "loss_weighting": "fixed",
    "backend": "jax",
    "tuning": "optuna",
}


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command that searches, at work."""
    return subprocess.Popen(
        [sys.executable, "-m", "searched.tune", "--epochs", "1", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src", "KERAS_BACKEND": "jax"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def trials_of(project: Path, state: TrialState = TrialState.COMPLETE) -> list[FrozenTrial]:
    """The trials of a project's study."""
    backend = JournalFileBackend(str(project / "tuning/study.log"))
    storage = optuna.storages.JournalStorage(backend)
    study = optuna.load_study(study_name="tuning", storage=storage)
    return study.get_trials(states=(state,))


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that can search, and has searched: two processes at once, four trials in all."""
    folder = tmp_path_factory.mktemp("tuned") / "project"
    render.render(template, ANSWERS, folder)
    both = [start(folder, "--trials", "4") for _ in range(2)]
    for process in both:
        output, _ = process.communicate()
        assert process.returncode == 0, output
        assert "trial " in output  # each has done a part
    return folder


def test_two_processes_at_once_make_exactly_the_trials_that_were_asked_for(project: Path) -> None:
    complete = trials_of(project)
    assert len(complete) == 4
    runs = {path.name for path in (project / "tuning/trials").iterdir()}
    assert runs == {str(trial.number) for trial in complete}
    assert all((project / "tuning/trials" / run / "history.csv").is_file() for run in runs)
    best = min(complete, key=lambda trial: trial.values[0])
    written = yaml.safe_load((project / "tuning/best.yml").read_text(encoding="utf-8"))
    assert written == best.user_attrs["answers"]


def test_an_interrupted_search_goes_on(project: Path) -> None:
    process = start(project, "--trials", "1000")
    assert process.stdout
    for line in process.stdout:
        if line.startswith("trial "):
            break
    before = len(trials_of(project))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "the same command goes on" in output and "Traceback" not in output
    assert not trials_of(project, TrialState.RUNNING)
    assert len(trials_of(project)) <= before + 1
    again = start(project, "--trials", str(before + 2))
    output, _ = again.communicate()
    assert again.returncode == 0, output
    assert len(trials_of(project)) == before + 2


ASKS_AND_IS_INTERRUPTED = """
import os, signal
import optuna
from searched import tune

ask = optuna.Study.ask

def interrupted(study):
    trial = ask(study)
    os.kill(os.getpid(), signal.SIGINT)
    return trial

optuna.Study.ask = interrupted
tune.main(["--epochs", "1", "--trials", "1000"])
"""


def test_an_interruption_between_trials_leaves_none_at_work(project: Path) -> None:
    before = len(trials_of(project))
    done = subprocess.run(
        [sys.executable, "-c", ASKS_AND_IS_INTERRUPTED],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src", "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "the same command goes on" in done.stdout
    assert not trials_of(project, TrialState.RUNNING)
    assert len(trials_of(project)) == before


def test_copier_renders_a_project_with_the_best_answers(project: Path, tmp_path: Path) -> None:
    copy, repository = tmp_path / "project", template_repository(tmp_path / "template")
    given = [word for k, v in ANSWERS.items() for word in ("--data", f"{k}={v}")]
    copier = [sys.executable, "-m", "copier"]
    subprocess.run(
        [*copier, "copy", "--quiet", "--defaults", *given, str(repository), str(copy)], check=True
    )
    commit(copy)
    (copy / "tuning").mkdir()  # where git does not look
    best = copy / "tuning/best.yml"
    best.write_text((project / "tuning/best.yml").read_text(encoding="utf-8"), encoding="utf-8")
    command = [*copier, "update", "--quiet", "--defaults", "--data-file", "tuning/best.yml"]
    subprocess.run(command, cwd=copy, check=True)
    answers = yaml.safe_load(best.read_text(encoding="utf-8"))
    code = "import json; from searched import config as c; print(json.dumps([c.TRUNK_UNITS, "
    code += "c.HEAD_UNITS, c.LOSS_WEIGHTS, c.Training().learning_rate]))"
    environment = {**os.environ, "PYTHONPATH": "src"}
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=copy, env=environment)
    trunk, heads, weights, rate = json.loads(printed)

    def sizes(text: str) -> list[int]:
        return [int(size) for size in text.split(",") if size.strip()]

    assert trunk == sizes(answers["trunk_units"])
    by_task = list(heads.values()) if isinstance(heads, dict) else [heads] * 2
    assert by_task == [sizes(text) for text in answers["head_units"].split(";")]
    assert list(weights.values()) == [float(w) for w in answers["loss_weights"].split(",")]
    assert rate == answers["learning_rate"]
