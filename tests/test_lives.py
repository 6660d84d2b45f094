"""What happens to a run in real processes: killed, interrupted, started twice, without space."""

import csv
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import as_in_a_terminal

from generator.projects import render

PROJECTS = {
    "tensorflow": {"backend": "tensorflow"},
    "jax": {"backend": "jax", "loss_weighting": "dwa"},
}
SMALL = {
    "project_name": "Lives",
    "package": "lives",
    "tasks": "price:regression, sold:binary",
    "trunk_units": "8",
    "head_units": "4",
}
TABLE = ("--data", "data/sample.csv")
LONG = ("--epochs", "100000", "--patience", "100000")


@pytest.fixture(scope="module")
def lives(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small projects by backend, with the same sample data set, and a short run on JAX."""
    folders = {name: tmp_path_factory.mktemp("lives") / name for name in PROJECTS}
    for name, folder in folders.items():
        render.render(template, SMALL | PROJECTS[name], folder)
    done = run(folders["jax"], "train", "--run", "first", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    shutil.copytree(folders["jax"] / "data", folders["tensorflow"] / "data")
    return folders


def start(project: Path, *words: str, **settings: str) -> subprocess.Popen[str]:
    """Start a command of a project in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": "src", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("KERAS_BACKEND", None)
    return subprocess.Popen(
        [sys.executable, "-m", "lives", *words],
        cwd=project,
        env=environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=as_in_a_terminal,
    )


def run(project: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a project to its end."""
    process = start(project, *words, **settings)
    out, err = process.communicate()
    return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.mark.parametrize(("size", "compiled"), [("1", True), ("64", False)])
def test_many_batches_are_compiled_by_xla_on_tensorflow(
    lives: dict[str, Path], tmp_path: Path, size: str, compiled: bool
) -> None:
    words = (*TABLE, "--run", f"batches-of-{size}", "--epochs", "1", "--batch-size", size)
    dump = f"--xla_dump_to={tmp_path / 'dump'}"
    done = run(lives["tensorflow"], "train", *words, XLA_FLAGS=dump)
    assert done.returncode == 0, done.stderr
    assert any((tmp_path / "dump").glob("*train_step*")) == compiled


def train_until_written(project: Path, name: str) -> subprocess.Popen[str]:
    """Start a long training, and return it in an epoch after one that is written."""
    process = start(project, "train", *TABLE, *LONG, "--run", name)
    assert process.stdout
    for line in process.stdout:
        if (project / name / "last.npz").exists() and line.startswith("Epoch"):
            break
    return process


def history(project: Path, name: str) -> list[dict[str, str]]:
    """Read the history of a run, digit by digit."""
    with (project / name / "history.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("backend", PROJECTS)
def test_killed_run_resumes_to_the_history_of_an_uninterrupted_one(
    backend: str, lives: dict[str, Path]
) -> None:
    project = lives[backend]
    process = train_until_written(project, "killed")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    epochs = ("--epochs", str(len(history(project, "killed")) + 2))
    done = run(project, "train", "--resume", "killed", *epochs)
    assert done.returncode == 0, done.stderr
    done = run(project, "train", *TABLE, *LONG[2:], *epochs, "--run", "whole")
    assert done.returncode == 0, done.stderr
    assert history(project, "killed") == history(project, "whole")
    scores = [(project / name / "metrics.json").read_text() for name in ("killed", "whole")]
    assert scores[0] == scores[1]


def test_two_trainings_in_one_directory_are_one(lives: dict[str, Path]) -> None:
    project = lives["jax"]
    both = [start(project, "train", *TABLE, "--run", "both", "--epochs", "2") for _ in "ab"]
    ended = sorted((p.communicate(), p.returncode) for p in both)
    (_, refusal), refused = min(ended, key=lambda end: -end[1])
    assert sorted(code for _, code in ended) == [0, 2] and refused == 2
    assert "both is" in refusal and refusal.count("\n") == 1
    assert [out for (out, _), code in ended if code == 2] == [""]
    unnamed = [start(project, "train", *TABLE, "--epochs", "1") for _ in "ab"]
    for process in unnamed:
        _, err = process.communicate()
        assert process.returncode == 0, err
    assert len(list((project / "runs").iterdir())) == 2


MODEL = """
import keras, sys
model = keras.models.load_model(sys.argv[1])
print({v.dtype for v in model.variables}, {layer.compute_dtype for layer in model.layers})
"""


def test_mixed_precision_is_resumed_and_saved_as_float32(lives: dict[str, Path]) -> None:
    project = lives["jax"]
    mixed = ("--run", "mixed", "--precision", "mixed_bfloat16", "--epochs", "2")
    done = run(project, "train", *TABLE, *mixed)
    assert done.returncode == 0, done.stderr
    assert history(project, "mixed") != history(project, "first")
    done = run(project, "train", "--resume", "mixed", "--epochs", "3")
    assert done.returncode == 0 and len(history(project, "mixed")) == 3, done.stderr
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": ""}
    command = [sys.executable, "-c", MODEL, str(project / "mixed" / "best.keras")]
    printed = subprocess.check_output(command, env=environment, text=True)
    assert printed.strip() == "{'float32'} {'float32'}"


@pytest.mark.parametrize("backend", PROJECTS)
def test_interrupted_training_prints_how_to_resume_it(backend: str, lives: dict[str, Path]) -> None:
    process = train_until_written(lives[backend], "inter rupted")
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:  # TensorFlow loses one of fifty where it reads a tensor
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "python -m lives train --resume 'inter rupted'" in out
    assert (lives[backend] / "inter rupted" / "metrics.json").is_file()


# A process that sends itself Ctrl-C where a module is imported or a function is called.
INTERRUPTED = """
import os, runpy, signal, sys
moments, sys.argv = [sys.argv[1]], ["lives", *sys.argv[2:]]
def at(name):
    if name in moments:
        moments.clear()
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(lambda event, found: event == "import" and at(found[0]))
sys.setprofile(lambda frame, event, _: event == "call" and at(frame.f_code.co_name))
runpy.run_module("lives", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("jax.numpy", ["train", "--run", "loading"]),
        ("score", ["evaluate", "first", "data/sample.csv"]),
        ("encode_inputs", ["predict", "first", "data/sample.csv", "--out", "p.csv"]),
    ],
)
def test_interrupted_command_has_no_traceback(
    moment: str, words: list[str], lives: dict[str, Path]
) -> None:
    project = lives["jax"]
    before = set(project.rglob("*.*"))
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, moment, *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src", "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        preexec_fn=as_in_a_terminal,
    )
    assert done.returncode == 130 and done.stderr.endswith("\ninterrupted\n"), done.stderr
    assert "Traceback" not in done.stderr
    assert {path for path in project.rglob("*.*") if path.suffix != ".pyc"} <= before


def test_training_without_standard_output_ends_well(lives: dict[str, Path]) -> None:
    project = lives["jax"]
    words = f"{sys.executable} -m lives train --data data/sample.csv --run silent --epochs 1 >&-"
    environment = {**os.environ, "PYTHONPATH": "src"}
    done = subprocess.run(
        words, shell=True, cwd=project, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert (project / "silent" / "metrics.json").is_file()


def test_full_disk_is_one_line_and_keeps_the_earlier_file(lives: dict[str, Path]) -> None:
    project = lives["jax"]
    (project / "predicted.csv").write_text("earlier\n", encoding="utf-8")
    words = ("first", "data/sample.csv", "--out", "predicted.csv", "--force")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        process = start(project, "predict", *words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    _, err = process.communicate()
    assert process.returncode == 2
    assert err.startswith("error: ") and "File too" in err and err.count("\n") == 1
    assert (project / "predicted.csv").read_text(encoding="utf-8") == "earlier\n"
    assert not list(project.glob(".draft*"))


@pytest.mark.parametrize("backend", PROJECTS)
def test_other_backend_of_the_shell_is_one_line(backend: str, lives: dict[str, Path]) -> None:
    project = lives[backend]
    for other in {"tensorflow", "jax", "torch"} - {backend}:
        done = run(project, "train", *TABLE, "--run", "other", KERAS_BACKEND=other)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert f"KERAS_BACKEND is {other}; unset it, or set it to {backend}" in done.stderr
        assert not (project / "other").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["train", "--help"], 0),
        (["train", "--epochs", "0"], 2),
        (["predict", "first"], 2),
    ],
)
def test_help_and_mistakes_take_little_time(
    words: list[str], code: int, lives: dict[str, Path]
) -> None:
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run(lives["tensorflow"], *words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == code and "Traceback" not in done.stderr
    print(f"{min(took):.2f} s")
    # On an idle machine, this is the wall time, below 0.3 s. A busy one may take twice as long.
    assert min(took) < 2 * 0.3
