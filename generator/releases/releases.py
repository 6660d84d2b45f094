"""Release the template: tag this repository, and keep the version for the tests of updates.

`tests/releases.bundle` is a git bundle with a commit and a tag for each release since 0.2.0, which
contain copier.yml and template/. The tests update projects of every release from it, so they need
no tags in the checkout.
"""

import argparse
import datetime
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from packaging.version import InvalidVersion, Version

from generator.choices.questions import ROOT
from generator.errors import ReleaseError

BUNDLE = "tests/releases.bundle"
UNRELEASED = "## Unreleased\n"


def release_command(parser: argparse.ArgumentParser) -> None:
    """Define `release`."""
    parser.add_argument("version", help="version by PEP 440, such as 0.2.0")
    parser.set_defaults(run=release_this)


def release_this(arguments: argparse.Namespace) -> int:
    """Release this checkout."""
    release(arguments.version)
    print(f"Released {arguments.version}. Next: git push --follow-tags")
    return 0


def release(version: str, root: Path = ROOT) -> None:
    """Give the present state a version, and commit and tag it.

    Args:
        version: a version by PEP 440, later than all others.
        root: the checkout.

    Raises:
        ReleaseError: this cannot be released.
    """
    try:
        later = Version(version)
    except InvalidVersion:
        raise ReleaseError(
            f"'{version}' is not a version by PEP 440: give one such as 0.2.0"
        ) from None
    if git(root, "status", "--porcelain"):
        raise ReleaseError("there are changes that are not committed: commit or stash them first")
    known = released(root / BUNDLE)
    if known and later <= known[-1]:
        raise ReleaseError(f"{later} is not later than {known[-1]}, the last release")
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    news = changes.partition(UNRELEASED)[2].partition("\n## ")[0].strip()
    if not news:
        raise ReleaseError("CHANGELOG.md has nothing below '## Unreleased': list there what is new")
    if git(root, "tag", "--list", f"v{later}"):
        raise ReleaseError(f"the tag v{later} already exists: give a later version, or remove it")
    head = git(root, "rev-parse", "HEAD").strip()
    try:
        make(root, later, changes, news)
    except BaseException:
        git(root, "reset", "--quiet", "--hard", head)
        raise


def make(root: Path, later: Version, changes: str, news: str) -> None:
    """Write the version, commit and tag."""
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
    """Return the releases in a bundle, oldest first."""
    if not bundle.exists():
        return []
    heads = git(bundle.parent, "bundle", "list-heads", str(bundle))
    return sorted(Version(tag) for tag in re.findall(r"refs/tags/v(\S+)", heads))


def keep(root: Path, tag: str) -> None:
    """Add the present template to the bundle."""
    bundle = root / BUNDLE
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder, "template")
        unpack(bundle, repository)
        add(root, repository, tag)
        git(repository, "bundle", "create", "--quiet", str(bundle), "main", "--tags")


def unpack(bundle: Path, repository: Path) -> None:
    """Make a repository of the releases and their tags; before the first release it is empty."""
    git(bundle.parent, "init", "--quiet", "--initial-branch", "main", str(repository))
    if bundle.exists():
        git(repository, "pull", "--quiet", "--tags", str(bundle), "main")


def add(root: Path, repository: Path, tag: str) -> None:
    """Commit the template of a checkout to a repository, and tag the commit."""
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
    """Run git in a folder and return its output.

    Raises:
        ReleaseError: git fails; the message is git's.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(done.stderr.strip() or f"git {arguments[0]} failed")
    return done.stdout
