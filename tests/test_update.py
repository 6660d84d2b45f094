"""`copier update` takes changes of the template, and other answers."""

import os
import shutil
import subprocess
from pathlib import Path

import copier
import pytest

from generator.questions import ROOT


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, as nobody in particular."""
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, env=environment)


def commit(folder: Path, tag: str = "") -> None:
    """Everything in a folder as a commit, perhaps with a tag."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    if tag:
        git(folder, "tag", tag)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The template as a repository with one version."""
    folder = tmp_path / "template"
    folder.mkdir()
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(ROOT / "template", folder / "template")
    commit(folder, "v1.0.0")
    return folder


def test_update_brings_a_new_version_and_other_answers_and_keeps_edits(
    repository: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    copier.run_copy(str(repository), project, defaults=True, quiet=True)
    readme = project / "README.md"
    readme.write_text(readme.read_text() + "\nA line of mine.\n", encoding="utf-8")
    commit(project)
    ignored = repository / "template/project/.gitignore.jinja"
    ignored.write_text(ignored.read_text() + "news/\n", encoding="utf-8")
    commit(repository, "v1.1.0")
    copier.run_update(project, data={"backend": "jax"}, defaults=True, overwrite=True, quiet=True)
    assert "news/" in (project / ".gitignore").read_text()
    assert "jax>=" in (project / "pyproject.toml").read_text()
    assert readme.read_text().endswith("A line of mine.\n")
    assert "_commit: v1.1.0" in (project / ".copier-answers.yml").read_text()
