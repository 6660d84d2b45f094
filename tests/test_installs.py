"""The README of a generated project, executed literally in a fresh environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import shell_commands

from generator.cli import main


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_commands_of_a_generated_readme_need_nothing_else(backend: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert main(["render", str(project), "--data", f"backend={backend}"]) == 0
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "KERAS", "VIRTUAL_ENV"))
    }
    environment["PATH"] = f"{tmp_path / 'venv/bin'}{os.pathsep}{environment['PATH']}"
    commands = shell_commands((project / "README.md").read_text(encoding="utf-8"))
    [package] = [path.name for path in (project / "src").iterdir()]
    for command in [*dict.fromkeys(commands), f"{package}-train -h"]:  # pytest is there twice
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert len(list((project / "runs").iterdir())) == 2
    other = {"tensorflow": "jax", "jax": "tensorflow"}[backend]
    assert not list((tmp_path / "venv").glob(f"lib/*/site-packages/{other}"))
