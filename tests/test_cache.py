"""Test that a suite that passed is not run again until something that it depends on changes."""

from pathlib import Path

import pytest

from generator.choices.combinations import Combinations
from generator.projects import suites
from generator.projects.cache import Cache, user_cache


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "tests").mkdir(parents=True)
    (folder / "tests/test_it.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    return folder


def test_passed_project_is_remembered_until_its_files_change(project: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.passed(project) is None
    cache.keep(project, 2.5)
    assert Cache(tmp_path / "cache").passed(project) == 2.5
    (project / "tests/test_it.py").write_text("def test_two():\n    pass\n", encoding="utf-8")
    assert cache.passed(project) is None


def test_unusable_folder_remembers_nothing(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    cache = Cache(tmp_path / "file" / "cache")
    cache.keep(project, 1.0)
    assert cache.passed(project) is None


def test_entry_that_is_not_a_number_is_ignored(project: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.keep(project, 1.0)
    [entry] = [path for path in tmp_path.iterdir() if path.is_file()]
    for text in ("null", "[1]", "{}", ""):
        entry.write_text(text, encoding="utf-8")
        assert cache.passed(project) is None


def test_new_version_of_a_dependency_runs_the_suite_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cache(tmp_path / "cache").keep(project, 1.0)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0")
    assert Cache(tmp_path / "cache").passed(project) is None


def test_ci_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert user_cache().folder
    monkeypatch.setenv("CI", "1")
    assert user_cache().folder is None


def test_remembered_suite_is_not_run(
    project: Path, tmp_path: Path, combinations: Combinations
) -> None:
    [first] = combinations.select("default")
    cache = Cache(tmp_path / "cache")
    cache.keep(project, 3.0)
    [verdict] = suites.run([first], {"default": project}, cache=cache)
    assert verdict.cached and verdict.passed and verdict.seconds == 3.0
