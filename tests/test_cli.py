"""The commands, as the README has them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generator.cli import main
from generator.questions import ROOT

# Every command of README.md's shell blocks, and the test that runs it (or what runs it here).
COMMANDS = {
    "make demo": "test_demo_trains_on_real_penguins",
    "make test": "this very run",
    "pip install copier": "the environment of this run",
    "copier copy PATH_OR_URL_OF_THIS_REPOSITORY my-project": "test_copier_copy_needs_no_trust",
    'cd my-project && pip install -e ".[dev]" && python -m my_project.train': (
        "test_commands_of_a_generated_readme"
    ),
    ".venv/bin/python -m generator demo same_record": "test_demo_trains_on_real_record_pairs",
    ".venv/bin/python -m generator combinations": "test_combinations_are_listed_by_pattern",
    ".venv/bin/python -m generator render my-project --data backend=jax": "test_render",
    ".venv/bin/python -m generator benchmark": "test_benchmark_prints_ratios",
}


def shell_commands(text: str) -> list[str]:
    """Commands of the ```bash blocks of a page, without comments."""
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = (re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def python(*arguments: str, cwd: Path, src: bool = True) -> str:
    """Run Python in a project; its output."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {"PYTHONPATH": str(cwd / "src")} if src else {}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_of_the_readme_is_run_by_a_test() -> None:
    assert set(shell_commands((ROOT / "README.md").read_text(encoding="utf-8"))) == set(COMMANDS)


def test_demo_trains_on_real_penguins(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--into", str(tmp_path), "--epochs", "2"]) == 0
    printed = capfd.readouterr().out
    for words in ("species", "body_mass_g", "labelled rows", "curves.png"):
        assert words in printed
    assert main(["demo", "--into", str(tmp_path), "--epochs", "1"]) == 0
    assert "is there already" in capfd.readouterr().out


def test_demo_trains_on_real_record_pairs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "same_record", "--into", str(tmp_path), "--epochs", "1"]) == 0
    assert "same_postcode" in capfd.readouterr().out


def test_copier_copy_needs_no_trust(template: Path, tmp_path: Path) -> None:
    python(
        "-m", "copier", "copy", "--defaults", "--quiet", str(template), "my-project",
        cwd=tmp_path, src=False,
    )  # fmt: skip
    assert (tmp_path / "my-project/src/multi_task_model/train.py").is_file()


def test_commands_of_a_generated_readme(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "my-project"
    assert main(["render", str(project), "--data", "package=my_project"]) == 0
    commands = shell_commands((project / "README.md").read_text(encoding="utf-8"))
    assert commands == [
        'pip install -e ".[dev]"',
        "python -m my_project.train",
        "pytest",
        "python -m my_project.train --data TABLE.csv",
    ]
    assert "task_3" in python("-m", "my_project.model", cwd=project)
    assert python("-m", "my_project.sample", cwd=project).strip() == "data/sample.csv"
    table = "data/sample.csv"
    training = ["-m", "my_project.train", "--data", table, "--epochs", "1", "--run", "runs/one"]
    assert "labelled rows" in python(*training, cwd=project)
    assert "labelled rows" in python("-m", "my_project.evaluate", "runs/one", table, cwd=project)


def test_render(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "my-project"
    assert main(["render", str(project), "--data", "backend=jax"]) == 0
    assert "jax>=" in (project / "pyproject.toml").read_text()
    assert main(["render", str(project), "--data", "backend=jax"]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render", "OUT", "--data", "tasks"], "give KEY=VALUE"),
        (["render", "OUT", "--data", "takss=a:binary"], "unknown answer 'takss'"),
        (["render", "OUT", "--data-file", "nowhere.yml"], "nowhere.yml cannot be read"),
        (["render", "OUT", "--data", "backend=torch"], "backend"),
        (["demo", "pinguins"], "no example 'pinguins': give one of parallel, penguins"),
        (["combinations", "siamese-nothing*"], "no combination is called 'siamese-nothing*'"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([str(out) if word == "OUT" else word for word in arguments]) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
    assert not out.exists()


def test_combinations_are_listed_by_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["combinations", "siamese-text-*-jax"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert names and all(name.startswith("siamese-text-") for name in names)


def test_benchmark_prints_ratios(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.benchmark.ROWS", (60,))
    assert main(["benchmark", "--rounds", "1"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["tensorflow", "jax"]
