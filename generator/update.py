"""`copier update`, with one line where it cannot be done, and nothing lost without a word."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml

from generator.render import COPIER_ERRORS, RenderError, one_line

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Updated:
    """What an update has done that needs a look.

    version: of the template, before and after.
    conflicts: files in which both versions of some lines stand.
    lost: files that are gone although a person had changed them.
    """

    version: tuple[str, str]
    conflicts: tuple[str, ...]
    lost: tuple[str, ...]


def update(project: Path, data: Mapping[str, Any], trust: bool = False) -> Updated:
    """Update a project to the template's last version, with other answers where given.

    Raises RenderError; the project is as it was then.
    """
    before = read_answers(project)
    if git(project, "status", "--porcelain"):
        raise RenderError(f"{project} has changes that are not committed: commit or stash them")
    try:
        copier.run_update(
            project,
            data=dict(data),
            defaults=True,
            overwrite=True,
            quiet=True,
            unsafe=trust,
            settings=copier.Settings(),
        )
    except copier.errors.UnsafeTemplateError:
        raise RenderError("this version moves files by commands of its own: --trust it") from None
    except COPIER_ERRORS as error:
        restore(project)
        raise RenderError(one_line(error, project)) from None
    except BaseException:
        restore(project)
        raise
    after = read_answers(project)
    conflicts = git(project, "diff", "--relative", "--name-only", "--diff-filter=U").splitlines()
    return Updated(
        (before["_commit"], after["_commit"]), tuple(sorted(set(conflicts))), lost(project, before)
    )


def lost(project: Path, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Files that an update has taken away, and that were not as the template had written them."""
    gone = git(project, "diff", "HEAD", "--relative", "--name-only", "--diff-filter=D").splitlines()
    if not gone:
        return ()
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "project")
        copier.run_copy(
            answers["_src_path"],
            written,
            data={name: value for name, value in answers.items() if not name.startswith("_")},
            vcs_ref=answers["_commit"],
            defaults=True,
            quiet=True,
            settings=copier.Settings(),
        )
        return tuple(
            name
            for name in gone
            if git(project, "show", f"HEAD:./{name}") != (written / name).read_text("utf-8")
        )


def restore(project: Path) -> None:
    """Everything as it was committed; what git ignores is left alone."""
    git(project, "reset", "--quiet", "--hard")
    git(project, "clean", "--quiet", "-d", "--force")


def read_answers(project: Path) -> dict[str, Any]:
    """The answers file of a project that can be updated. Raises RenderError."""
    path = project / ANSWERS_FILE
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RenderError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    for key in ("_commit", "_src_path"):
        if not isinstance(answers, dict) or not answers.get(key):
            raise RenderError(
                f"{path} has no {key}: only a project that was made from a git repository with "
                "version tags can be updated"
            )
    return answers


def git(project: Path, *arguments: str) -> str:
    """Run git in a project; its output. Raises RenderError with what git says."""
    done = subprocess.run(
        ["git", *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RenderError(f"{project}: {(done.stderr.strip() or 'git failed').splitlines()[0]}")
    return done.stdout
