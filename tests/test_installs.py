"""The README of a rendered project, executed literally in a fresh environment."""

import os
import subprocess
import sys
from pathlib import Path

from test_cli import shell_commands

from generator.projects import render


def test_commands_of_a_readme_need_nothing_but_the_project(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    render.render(template, {"package": "my_project", "backend": "jax"}, project)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    outside = ("PYTHON", "KERAS", "VIRTUAL_ENV")
    environment = {name: v for name, v in os.environ.items() if not name.startswith(outside)}
    environment["PATH"] = f"{tmp_path / 'venv/bin'}{os.pathsep}{environment['PATH']}"
    commands = shell_commands((project / "README.md").read_text(encoding="utf-8"))
    assert any(command.startswith("pip install ") for command in commands)
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=project, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert (project / "data/predictions.csv").is_file()
    assert not list((tmp_path / "venv").glob("lib/*/site-packages/tensorflow"))
