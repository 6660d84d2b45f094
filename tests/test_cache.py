"""Test that what has passed is remembered until something that it depends on changes."""

from pathlib import Path

import pytest

from generator.projects.cache import Cache, user_cache


def test_what_passed_is_remembered(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert not cache.passed("a")
    cache.keep("a")
    assert Cache(tmp_path / "cache").passed("a") and not cache.passed("b")


def test_unusable_folder_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    cache = Cache(tmp_path / "file" / "cache")
    cache.keep("a")
    assert not cache.passed("a")


def test_new_version_of_a_dependency_runs_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cache(tmp_path).keep("a")
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0")
    assert not Cache(tmp_path).passed("a")


def test_ci_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert user_cache().folder
    monkeypatch.setenv("CI", "1")
    assert user_cache().folder is None
