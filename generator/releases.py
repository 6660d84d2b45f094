"""Releases of the template: tags of this repository, and what the tests keep of them.

`tests/releases.bundle` is a git bundle with copier.yml and template of each release, as a commit
and a tag, so that projects of every release can be updated also where a checkout has no tags.
"""

import datetime
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from packaging.version import InvalidVersion, Version

from generator.questions import ROOT

BUNDLE = "tests/releases.bundle"
UNRELEASED = "## Unreleased\n"


class ReleaseError(ValueError):
    """Why this cannot be released, and what would be right."""


def release(version: str, root: Path = ROOT) -> None:
    """Give the present state a version, and commit and tag it. Raises ReleaseError.

    version: PEP 440, and later than any before
    """
    try:
        later = Version(version)
    except InvalidVersion:
        raise ReleaseError(
            f"'{version}' is no version by PEP 440: give one such as 0.2.0"
        ) from None
    if git(root, "status", "--porcelain"):
        raise ReleaseError("there are changes that are not committed: commit or stash them first")
    known = released(root / BUNDLE)
    if known and later <= known[-1]:
        raise ReleaseError(f"{later} is not later than {known[-1]}, the last release")
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    news = changes.partition(UNRELEASED)[2].partition("\n## ")[0].strip()
    if not news:
        raise ReleaseError("CHANGELOG.md has nothing below '## Unreleased': say there what is new")
    if git(root, "tag", "--list", f"v{later}"):
        raise ReleaseError(f"there is a tag v{later} already: give a later version, or remove it")
    head = git(root, "rev-parse", "HEAD").strip()
    try:
        make(root, later, changes, news)
    except BaseException:
        git(root, "reset", "--quiet", "--hard", head)
        raise


def make(root: Path, later: Version, changes: str, news: str) -> None:
    """Write, commit and tag."""
    settings = (root / "pyproject.toml").read_text(encoding="utf-8")
    settings = re.sub(r'^version = ".*"$', f'version = "{later}"', settings, count=1, flags=re.M)
    heading = f"{UNRELEASED}\n## {later} ({datetime.date.today()})\n"
    keep(root, f"v{later}")
    (root / "pyproject.toml").write_text(settings, encoding="utf-8")
    (root / "CHANGELOG.md").write_text(changes.replace(UNRELEASED, heading, 1), encoding="utf-8")
    git(root, "add", "pyproject.toml", "CHANGELOG.md", BUNDLE)
    git(root, "commit", "--quiet", "--message", f"Release {later}")
    git(root, "tag", "--cleanup=verbatim", "--annotate", "--message", news, f"v{later}")


def released(bundle: Path) -> list[Version]:
    """The releases that are kept, in their order."""
    if not bundle.exists():
        return []
    heads = git(bundle.parent, "bundle", "list-heads", str(bundle))
    return sorted(Version(tag) for tag in re.findall(r"refs/tags/v(\S+)", heads))


def keep(root: Path, tag: str) -> None:
    """Add the template, as it is, to the bundle."""
    bundle = root / BUNDLE
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder, "template")
        unpack(bundle, repository)
        add(root, repository, tag)
        git(repository, "bundle", "create", "--quiet", str(bundle), "main", "--tags")


def unpack(bundle: Path, repository: Path) -> None:
    """The releases as a repository with their tags; an empty one where there are none."""
    git(bundle.parent, "init", "--quiet", "--initial-branch", "main", str(repository))
    if bundle.exists():
        git(repository, "pull", "--quiet", "--tags", str(bundle), "main")


def add(root: Path, repository: Path, tag: str) -> None:
    """Make the template of a checkout the next release of a repository."""
    for path in (repository / "copier.yml", repository / "template"):
        if path.is_dir():
            shutil.rmtree(path)
    shutil.copy(root / "copier.yml", repository)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "template", repository / "template", ignore=ignored)
    who = ["-c", "user.name=release", "-c", "user.email=release@example.org"]
    plainly = [
        "-c",
        "commit.gpgSign=false",
        "-c",
        "tag.gpgSign=false",
        "-c",
        f"core.hooksPath={os.devnull}",
    ]
    git(repository, "add", "--all")
    git(repository, *who, *plainly, "commit", "--quiet", "--allow-empty", "--message", tag)
    git(repository, *plainly, "tag", tag)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; its output. Raises ReleaseError with what git says."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(done.stderr.strip() or f"git {arguments[0]} failed")
    return done.stdout
