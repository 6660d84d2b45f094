"""Update projects with `copier update`, and report all that needs a look."""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml
from plumbum import ProcessExecutionError, local

from generator.commands import add_answers
from generator.errors import RenderError
from generator.projects.render import given, one_line

ANSWERS_FILE = ".copier-answers.yml"
# With some other settings of a user, git would hide changes from Copier.
GIT_SETTINGS = {
    "apply.whitespace": "nowarn",
    "core.attributesFile": os.devnull,
    "diff.orderFile": os.devnull,
    "status.showUntrackedFiles": "all",
}
# Directories of the template's files, beside the project's own, and the largest size of a file.
PLACES = (".github/", "src/", "tests/")
LARGEST = 2**20


def update_command(parser: argparse.ArgumentParser) -> None:
    """Define `update`."""
    parser.add_argument("project", type=Path, nargs="+", help="directory of a project, under git")
    add_answers(parser)
    parser.add_argument("--trust", action="store_true", help="let a version move files")
    parser.set_defaults(run=update_all)


def update_all(arguments: argparse.Namespace) -> int:
    """Update projects and report on each.

    Returns:
        1 if a project needs a look, 2 if one cannot be updated, otherwise 0.
    """
    status, updated, data = 0, False, given(arguments)
    for project in arguments.project:
        try:
            done = update(project, data, arguments.trust)
        except RenderError as error:
            print(f"error: {project}: {error}", file=sys.stderr)
            status = 2
            continue
        updated = True
        print(f"{project}: {done.version[0]} -> {done.version[1]}")
        for name in done.conflicts:
            print(f"  conflict: {name} has both versions of some lines, choose one of each")
        for name in done.lost:
            print(f"  gone: {name}, which you had changed (git restore {name} brings it back)")
        if done.conflicts or done.lost:
            status = max(status, 1)
    if updated:
        print("Next, in each: git diff, pytest, git commit.")
    return status


@dataclass(frozen=True)
class Updated:
    """What an update has done that needs a look.

    Attributes:
        version: version of the template, before and after.
        conflicts: files that contain both versions of some lines.
        lost: files that were deleted although the user had changed them.
    """

    version: tuple[str, str]
    conflicts: tuple[str, ...]
    lost: tuple[str, ...]


def update(project: Path, data: Mapping[str, Any], trust: bool = False) -> Updated:
    """Update a project to the latest version of the template.

    After an error, the project is as it was.

    Args:
        project: its directory.
        data: answers that replace the present ones.
        trust: let the template run commands of its own, which move files.

    Raises:
        RenderError: the project cannot be updated.
    """
    project = project.resolve()
    before = read_answers(project)
    with in_project(project):
        return update_here(project, before, data, trust)


@contextlib.contextmanager
def in_project(project: Path) -> Iterator[None]:
    """Work in the project, as `copier update` does: the path of the template may be relative."""
    first = int(os.environ.get("GIT_CONFIG_COUNT", 0))
    settings = {"GIT_CONFIG_COUNT": str(first + len(GIT_SETTINGS))}
    for number, (key, value) in enumerate(GIT_SETTINGS.items(), start=first):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    with local.cwd(project), local.env(**settings):
        yield


def update_here(
    project: Path, before: Mapping[str, Any], data: Mapping[str, Any], trust: bool
) -> Updated:
    """Update the project that is the current directory.

    Raises:
        RenderError: it cannot be updated.
    """
    if git(project, "status", "--porcelain"):
        raise RenderError("there are changes that are not committed: commit or stash them")
    if not git(project, "ls-files", ANSWERS_FILE):
        raise RenderError(f"git does not have {ANSWERS_FILE}: commit the project (is it ignored?)")
    check_encoding(project, before)
    which = ("--others", "--ignored", "--exclude-standard", "--directory")
    ignored = {name: content(project / name) for name in listed(project, *which)}
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
    except Exception as error:  # Copier may raise anything
        restore(project, ignored)
        raise RenderError(reason(error, project, before)) from None
    except BaseException:
        restore(project, ignored)
        raise
    for name, was in ignored.items():
        if content(project / name) != was:
            restore(project, ignored)
            raise RenderError(f"{name} is yours, and git ignores it: move it, or commit it")
    after = read_answers(project)
    version = (before["_commit"], after["_commit"])
    return Updated(version, conflicts(project), lost(project, before))


def conflicts(project: Path) -> tuple[str, ...]:
    """Return files in which an update or a migration has left both versions of some lines."""
    changed = names(git(project, "diff", "HEAD", "--relative", "--name-only", "-z"))
    texts = {name: b"\n" + (content(project / name) or b"") for name in changed}
    return tuple(name for name, text in sorted(texts.items()) if b"\n<<<<<<< " in text)


def check_encoding(project: Path, answers: Mapping[str, Any]) -> None:
    """Check that the template's files are still UTF-8: Copier would drop other characters.

    Raises:
        RenderError: a file is not.
    """
    suspect = [name for name in listed(project) if not is_text(content(project / name))]
    if suspect:
        with as_written(answers) as written:
            for name in suspect:
                if (written / name).exists():
                    raise RenderError(f"{name} is not UTF-8: save it with that encoding")


def is_text(found: bytes | None) -> bool:
    """Return whether a file's content is UTF-8."""
    try:
        return (found or b"").decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def listed(project: Path, *which: str) -> list[str]:
    """Return tracked files in the directories that the template writes to.

    Args:
        project: the project.
        which: options of `git ls-files` that select other files.
    """
    found = names(git(project, "ls-files", "-z", *which))
    return [name for name in found if "/" not in name or name.startswith(PLACES)]


def names(output: str) -> list[str]:
    """Split what git prints with -z."""
    return output.split("\0")[:-1]


def content(path: Path) -> bytes | None:
    """Read a file; None if it is too large for one of the template's, or not a file."""
    return path.read_bytes() if path.is_file() and path.stat().st_size < LARGEST else None


def reason(error: BaseException, project: Path, answers: Mapping[str, Any]) -> str:
    """Explain why a project could not be updated."""
    source, version = answers["_src_path"], answers["_commit"]
    moved = f"(if the template has moved, change _src_path in {ANSWERS_FILE})"
    if isinstance(error, ProcessExecutionError):
        said = [line for line in error.stderr.splitlines() if line.startswith(("fatal:", "error:"))]
        return f"{source} cannot be read: {(said or ['git failed'])[0]} {moved}"
    if "://" not in source and not (project / source).exists():
        return f"there is no {source} {moved}"
    if "Unknown revision" in str(error):
        return f"_commit in {ANSWERS_FILE}: {source} has no version {version}"
    return one_line(error, project)


@contextlib.contextmanager
def as_written(answers: Mapping[str, Any]) -> Iterator[Path]:
    """Render what the template had written, into a temporary directory."""
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
        yield written


def lost(project: Path, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Return files that an update has deleted and that the user had changed."""
    deleted = ("--relative", "--name-only", "--diff-filter=D", "-z")
    gone = names(git(project, "diff", "HEAD", *deleted))
    if not gone:
        return ()
    with as_written(answers) as written:
        return tuple(
            name
            for name in gone
            if git(project, "show", f"HEAD:./{name}") != decoded(content(written / name) or b"")
        )


def restore(project: Path, ignored: Mapping[str, bytes | None]) -> None:
    """Restore what was committed, and the files that git ignores."""
    git(project, "reset", "--quiet", "--hard")
    git(project, "clean", "--quiet", "-d", "--force")
    for name, was in ignored.items():
        if was is not None and content(project / name) != was:
            (project / name).write_bytes(was)


def read_answers(project: Path) -> dict[str, Any]:
    """Read the answers file of a project.

    Raises:
        RenderError: it cannot be read, or the project cannot be updated.
    """
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
        if not isinstance(answers, dict) or not isinstance(answers.get(key), str):
            raise RenderError(
                f"{ANSWERS_FILE} has no {key}: only a project that was made from a git repository "
                "with version tags can be updated"
            )
    return answers


def git(project: Path, *arguments: str) -> str:
    """Run git in a project and return its output.

    Raises:
        RenderError: git fails; the message is git's.
    """
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=project, env=dict(local.env), capture_output=True, check=False
    )
    if done.returncode:
        said = decoded(done.stderr).strip() or f"git {arguments[0]} failed"
        raise RenderError(said.splitlines()[0])
    return decoded(done.stdout)


def decoded(output: bytes) -> str:
    """Decode names and texts of any encoding."""
    return output.decode("utf-8", "surrogateescape")
