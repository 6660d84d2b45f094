"""Combinations as test cases: rendered, checked and run once for all tests that ask about them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator import checks, examples, render, suites
from generator.combinations import Combination, Combinations

BACKENDS = ("tensorflow", "jax")


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """The template, as Copier takes it."""
    with render.snapshot() as copy, render.compiled_once():
        yield copy


def selected(request: pytest.FixtureRequest, fixture: str) -> dict[str, Combination]:
    """The combinations of all tests of this session that use a fixture."""
    asked: list[Any] = [
        item.callspec.params["combination"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and fixture in item.fixturenames
    ]
    return {combination.name: combination for combination in asked}


class Rendered:
    """Directories of the combinations under test, and what is wrong with them."""

    def __init__(self, folder: Path, template: Path, combinations: dict[str, Combination]) -> None:
        self.folders = {name: folder / name for name in combinations}
        for name, combination in combinations.items():
            render.render(template, combination.data, self.folders[name])
        packages = {str(c.answers["package"]): self.folders[c.name] for c in combinations.values()}
        shared = checks.format_and_lint(folder) + checks.type_check(packages)
        self.findings = {
            name: [line for line in shared if f"{path}/" in line]
            + checks.check(path, combinations[name])
            for name, path in self.folders.items()
        }
        self.unassigned = [
            line for line in shared if not any(f"{path}/" in line for path in self.folders.values())
        ]


@pytest.fixture(scope="session")
def rendered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, template: Path
) -> Rendered:
    """Every combination that a test of this session asks about."""
    folder = tmp_path_factory.mktemp("rendered")
    return Rendered(folder, template, selected(request, "rendered"))


class Suites:
    """Verdicts on generated suites, run while they are asked for."""

    def __init__(self, folder: Path, template: Path, combinations: dict[str, Combination]) -> None:
        self.folder = folder
        self.combinations = combinations
        self._verdicts: dict[str, suites.Verdict] = {}
        for name, combination in combinations.items():
            render.render(template, combination.data, folder / name)
        self._running = {backend: self._run(backend) for backend in BACKENDS}

    def _run(self, backend: str) -> Iterator[suites.Verdict]:
        projects = {
            n: self.folder / n for n, c in self.combinations.items() if c.backend == backend
        }
        return suites.run(backend, projects) if projects else iter(())

    def verdict(self, name: str) -> suites.Verdict:
        """The verdict on one suite, as soon as there is one."""
        for verdict in self._running[self.combinations[name].backend]:
            self._verdicts[verdict.name] = verdict
            if verdict.name == name:
                break
        return self._verdicts[name]


@pytest.fixture(scope="session")
def suite_runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, template: Path
) -> Suites:
    """The suite of every combination that a test of this session asks about."""
    folder = tmp_path_factory.mktemp("suites")
    return Suites(folder, template, selected(request, "suite_runs"))


def example(name: str, backend: str) -> Combination:
    """An example's answers file as a combination."""
    data = render.read_answers(examples.answers_file(name)) | {"backend": backend}
    answers = Combinations().questionnaire.resolve(data)
    return Combination(f"{name}-{backend}", data, answers)
