"""The commands for several hosts of a project's README, on one machine; devices of one host."""

import csv
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from generator.projects import render

ANSWERS = {
    "package": "parallel_one",
    "tasks": "price:regression, sold:binary",
    "trunk_units": "8",
    "head_units": "4",
    "backend": "jax",
    "distribution": "data_parallel",
}
# What Slurm would do on two hosts, both this one.
SCONTROL = "#!/bin/sh\necho 127.0.0.1\necho 127.0.0.1\n"
SRUN = '#!/bin/sh\nSLURM_PROCID=1 "$@" &\nSLURM_PROCID=0 "$@" || exit $?\nwait $!\n'
# Where `python` is the one that runs these tests.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, and its sample data set."""
    folder = tmp_path_factory.mktemp("parallel") / "project"
    render.render(template, ANSWERS, folder)
    subprocess.run(
        [sys.executable, "-m", "parallel_one.sample", "--rows", "100"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "src", "KERAS_BACKEND": "jax"},
        check=True,
    )
    return folder


def blocks(project: Path) -> list[str]:
    """The shell blocks of the README's section, for a table and a port of this machine."""
    text = (project / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Several devices and hosts")[2].partition("\n## ")[0]
    found = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    changes = {"10.0.0.1": "127.0.0.1", "1234": port, "TABLE": "data/sample.csv --epochs 2"}
    for old, new in changes.items():
        assert all(old in block for block in found) or old == "10.0.0.1"
        found = [block.replace(old, new) for block in found]
    return found


def run(project: Path, script: str, name: str, **environment: str) -> None:
    """A script of the shell, and the run that it is to leave."""
    done = subprocess.run(
        ["bash", "-euc", script.replace("runs/both", f"runs/{name}")],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src", "PATH": PATH, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("held-out rows") == 1
    with (project / "runs" / name / "history.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 2


def test_two_hosts_train_by_the_commands_of_the_readme(project: Path) -> None:
    both, _ = blocks(project)
    # One command a host: the first one goes on while the second one starts.
    first, second = (line for line in both.splitlines() if line.startswith("KERAS"))
    run(project, both.replace(first, first + " &").replace(second, second + "; wait $!"), "hosts")


def test_slurm_trains_by_the_script_of_the_readme(project: Path, tmp_path: Path) -> None:
    _, script = blocks(project)
    for name, text in (("scontrol", SCONTROL), ("srun", SRUN)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    given = {"SLURM_JOB_NODELIST": "host[1-2]", "SLURM_NTASKS": "2"}
    given["PATH"] = os.pathsep.join([str(tmp_path), PATH])
    run(project, script, "slurm", **given)


@pytest.mark.parametrize(("loss_weighting", "heads"), [("pcgrad", "separate"), ("famo", "stacked")])
def test_steps_of_their_own_are_alike_on_all_devices(
    loss_weighting: str, heads: str, template: Path, tmp_path: Path
) -> None:
    given = {"backend": "tensorflow", "loss_weighting": loss_weighting, "heads": heads}
    render.render(template, {**ANSWERS, **given}, tmp_path / "project")
    subprocess.run(
        [sys.executable, "-m", "pytest", "tests/test_distributed.py", "-k", "train_as_one"],
        cwd=tmp_path / "project",
        env={**os.environ, "PYTHONPATH": "src", "KERAS_BACKEND": "tensorflow"},
        check=True,
    )
