"""Test `generator release`: the version, the tag, and the bundle that later tests start from."""

import shutil
from pathlib import Path

import pytest
import updating
from updating import git

from generator.choices.questions import ROOT
from generator.releases import releases
from generator.releases.releases import ReleaseError, release, released


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository like this one, before its first release, with a tag that was no release."""
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "nobody")
        monkeypatch.setenv(f"{name}_EMAIL", "nobody@example.org")
    root = tmp_path / "checkout"
    (root / "tests").mkdir(parents=True)
    (root / "template").mkdir()
    (root / "template/file.jinja").write_text("first")
    shutil.copy(ROOT / "copier.yml", root)
    (root / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "0"\n')
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\nThis and that.\n")
    updating.commit(root, "v0.0.1")
    return root


def test_a_release_is_a_commit_a_tag_and_a_version_in_the_bundle(
    checkout: Path, tmp_path: Path
) -> None:
    release("0.1", checkout)
    assert not git(checkout, "status", "--porcelain")
    assert git(checkout, "log", "--format=%s", "-1").strip() == "Release 0.1"
    assert git(checkout, "tag", "--points-at", "HEAD").strip() == "v0.1"
    assert 'version = "0.1"' in (checkout / "pyproject.toml").read_text()
    news = (checkout / "CHANGELOG.md").read_text()
    assert news.index("## Unreleased\n") < news.index("## 0.1 (") < news.index("This and that.")
    with pytest.raises(ReleaseError, match="nothing below '## Unreleased'"):
        release("0.2", checkout)
    (checkout / "CHANGELOG.md").write_text(
        news.replace("Unreleased\n", "Unreleased\n\n### New\n\nMore.\n")
    )
    (checkout / "template/file.jinja").write_text("second")
    updating.commit(checkout)
    release("0.2rc1", checkout)
    release_news = git(checkout, "tag", "--list", "--format=%(contents)", "v0.2rc1")
    assert release_news.strip() == "### New\n\nMore."
    assert [str(version) for version in released(checkout / releases.BUNDLE)] == ["0.1", "0.2rc1"]
    releases.unpack(checkout / releases.BUNDLE, tmp_path / "kept")
    kept = [
        git(tmp_path / "kept", "show", f"{tag}:template/file.jinja") for tag in ("v0.1", "v0.2rc1")
    ]
    assert kept == ["first", "second"]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("new", "'new' is not a version"),
        ("0.1", "0.1 is not later than 0.1"),
        ("0.2", "the tag v0.2 already exists"),
        ("0.3", "no release today"),
    ],
)
def test_a_refused_release_changes_nothing(version: str, said: str, checkout: Path) -> None:
    release("0.1", checkout)
    changes = checkout / "CHANGELOG.md"
    changes.write_text(
        changes.read_text().replace("Unreleased\n", "Unreleased\n\n### New\n\nMore.\n")
    )
    updating.commit(checkout)
    git(checkout, "tag", "v0.2")
    hook = checkout / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho no release today >&2\nexit 1\n")
    hook.chmod(0o755)
    head = git(checkout, "rev-parse", "HEAD")
    with pytest.raises(ReleaseError, match=said):
        release(version, checkout)
    assert not git(checkout, "status", "--porcelain")
    (checkout / "notes").write_text("mine")
    with pytest.raises(ReleaseError, match="not committed"):
        release("7", checkout)
    assert git(checkout, "rev-parse", "HEAD") == head
    assert git(checkout, "status", "--porcelain") == "?? notes\n"
