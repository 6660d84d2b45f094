"""`copier update`, with one line where it cannot be done, and nothing lost without a word."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml
from plumbum import ProcessExecutionError

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
        raise RenderError("there are changes that are not committed: commit or stash them")
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
    except (*COPIER_ERRORS, ProcessExecutionError) as error:
        restore(project)
        raise RenderError(reason(error, project, before)) from None
    except BaseException:
        restore(project)
        raise
    after = read_answers(project)
    conflicts = git(project, "diff", "--relative", "--name-only", "--diff-filter=U").splitlines()
    return Updated(
        (before["_commit"], after["_commit"]), tuple(sorted(set(conflicts))), lost(project, before)
    )


def reason(error: BaseException, project: Path, answers: Mapping[str, Any]) -> str:
    """Why a project could not be updated."""
    source, version = answers["_src_path"], answers["_commit"]
    moved = f"(if the template has moved, change _src_path in {ANSWERS_FILE})"
    if isinstance(error, ProcessExecutionError):
        said = [line for line in error.stderr.splitlines() if line.startswith(("fatal:", "error:"))]
        return f"{source} cannot be read: {(said or ['git failed'])[0]} {moved}"
    if "://" not in source and not Path(source).exists():
        return f"there is no {source} {moved}"
    if "Unknown revision" in str(error):
        return f"_commit in {ANSWERS_FILE}: {source} has no version {version}"
    return one_line(error, project)


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
    try:
        answers = yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RenderError(f"{ANSWERS_FILE}, line {line}: {error.problem}") from None
    except FileNotFoundError:
        raise RenderError(f"there is no {ANSWERS_FILE}: give the directory of a project") from None
    except (OSError, ValueError) as error:
        raise RenderError(f"{ANSWERS_FILE} cannot be read: {error}") from None
    for key in ("_commit", "_src_path"):
        if not isinstance(answers, dict) or not answers.get(key):
            raise RenderError(
                f"{ANSWERS_FILE} has no {key}: only a project that was made from a git repository "
                "with version tags can be updated"
            )
    return answers


def git(project: Path, *arguments: str) -> str:
    """Run git in a project; its output. Raises RenderError with what git says."""
    done = subprocess.run(
        ["git", *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RenderError((done.stderr.strip() or f"git {arguments[0]} failed").splitlines()[0])
    return done.stdout
