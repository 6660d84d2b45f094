"""Test that every combination renders to a clean project whose suite passes."""

from pathlib import Path

import pytest
from conftest import Suites, combination_of, example, expected_suites, selected

from generator import demo
from generator.choices.combinations import Combination, enumeration
from generator.projects import suites

COMBINATIONS = enumeration()
EVERY = pytest.mark.parametrize(
    "combination",
    [
        *COMBINATIONS.all(),
        *(
            pytest.param(example(path.stem), marks=pytest.mark.example)
            for path in sorted(demo.FOLDER.glob("*.yml"))
        ),
    ],
    ids=lambda c: c.name,
)


@pytest.fixture(scope="module", autouse=True)
def suites_at_work(request: pytest.FixtureRequest) -> None:
    """Check projects and start suites before the first test."""
    if selected(request, "findings"):
        request.getfixturevalue("findings")
    if selected(request, "suite_runs"):
        request.getfixturevalue("suite_runs").start()


@EVERY
def test_project_is_clean(
    combination: Combination, projects: dict[str, Path], findings: dict[str, list[str]]
) -> None:
    assert not findings[combination.name]


@EVERY
def test_suite_passes(
    combination: Combination, projects: dict[str, Path], suite_runs: Suites
) -> None:
    verdict = suite_runs.verdict(combination.name)
    again = suites.reproduce(projects[combination.name], combination.backend)
    assert verdict.passed, f"{verdict.output}\n{again}"


def test_every_selected_suite_has_run(request: pytest.FixtureRequest, suite_runs: Suites) -> None:
    names = {
        combination_of(item).name
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == "test_suite_passes"
    }
    if not names:
        pytest.skip("no suite was selected")
    for name in names:
        suite_runs.verdict(name)
    assert suite_runs.verdicts.keys() == names
    options = request.config.option
    if not options.keyword and not any("::" in argument for argument in options.file_or_dir):
        assert names == expected_suites(request.config)
        enumerated = {c.name for c in COMBINATIONS.all()}
        assert options.strength != "all" or (enumerated <= names and len(enumerated) > 1000)
