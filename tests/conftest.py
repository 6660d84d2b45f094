"""Make test cases of combinations: each is rendered, checked and run once for all tests."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator import demo
from generator.choices.combinations import Combination, Combinations, enumeration
from generator.projects import cache, checks, render, suites, verdicts

# Modules that take minutes begin first, so that processes that share the work end together.
LONG = (
    "test_projects", "test_installs", "test_benchmarks", "test_cli", "test_lives", "test_update",
    "test_export", "test_new_choices",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options that select fewer suites, for work in progress."""
    parser.addoption(
        "--strength",
        choices=("2", "3", "all"),
        default="all",
        help="run suites in which every 2 or 3 choices meet (default: all)",
    )
    parser.addoption(
        "--boundaries", action="store_true", help="also run those of boundaries and examples"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect suites by the options; everything is still rendered and checked."""
    asked = expected_suites(config)
    left_out = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and item.originalname == "test_suite_passes"
        and combination_of(item).name not in asked
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONG)))


def expected_suites(config: pytest.Config) -> set[str]:
    """Return the names of suites that --strength and --boundaries select, with the examples."""
    strength = config.getoption("--strength")
    if strength == "all":
        names = {c.name for c in enumeration().all()}
    elif config.getoption("--boundaries"):
        names = {c.name for c in enumeration().thorough(int(strength))}
    else:
        return {c.name for c in enumeration().covering(int(strength))}
    return names | {path.stem for path in demo.FOLDER.glob("*.yml")}


def combination_of(item: pytest.Function) -> Combination:
    """Return the combination of a test case."""
    combination = item.callspec.params["combination"]
    assert isinstance(combination, Combination)
    return combination


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """Copy the template out of the work tree."""
    with render.snapshot() as copy, render.compiled_once():
        yield copy


@pytest.fixture(scope="session")
def combinations() -> Combinations:
    """Enumerate the template."""
    return enumeration()


def selected(request: pytest.FixtureRequest, fixture: str) -> list[Combination]:
    """Return the combinations of all tests of this session that use a fixture."""
    asked = [
        combination_of(item)
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and fixture in item.fixturenames
        and hasattr(item, "callspec")
    ]
    return list({combination.name: combination for combination in asked}.values())


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Any:
    """Return a function that writes a line of progress, if there is a terminal."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    terminal = sys.__stderr__  # also that of a process that shares the work

    def write(line: str) -> None:
        if terminal and terminal.isatty():
            with capture.global_and_fixture_disabled():
                print(f"\r{line:<79.79}", end="\r", file=terminal, flush=True)

    return write


class Projects(dict[str, Path]):
    """The directory of each combination by name, and the `reasons` of those that fail to render."""

    def __init__(self, asked: list[Combination], template: Path, folder: Path) -> None:
        super().__init__((c.name, folder / c.name) for c in asked)
        self.reasons = render.render_all(template, {c.name: c.data for c in asked}, folder)

    def rendered(self, asked: list[Combination]) -> list[Combination]:
        """Return those that rendered."""
        return [c for c in asked if c.name not in self.reasons]


@pytest.fixture(scope="session")
def projects(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    template: Path,
    say: Any,
) -> Projects:
    """Render every combination that a test of this session uses."""
    asked = selected(request, "projects")
    say(f"rendering {len(asked)} projects")
    return Projects(asked, template, tmp_path_factory.mktemp("projects"))


@pytest.fixture(scope="session")
def findings(request: pytest.FixtureRequest, projects: Projects, say: Any) -> dict[str, list[str]]:
    """Check each of them."""
    asked = selected(request, "findings")
    say(f"checking {len(asked)} projects")
    reasons = {name: [reason] for name, reason in projects.reasons.items()}
    return reasons | checks.check_all(projects.rendered(asked), projects)


class Suites:
    """Verdicts on suites, which run in the background."""

    def __init__(self, asked: list[Combination], projects: Projects, say: Any) -> None:
        self.asked = {combination.name for combination in asked}
        self.verdicts = {
            name: suites.Verdict(name, False, output=reason)
            for name, reason in projects.reasons.items()
            if name in self.asked
        }
        self.progress = verdicts.Progress()
        self.running = verdicts.run(
            projects.rendered(asked), projects, cache=cache.user_cache(), progress=self.progress
        )
        self._say = say

    def start(self) -> None:
        """Wait for the first verdict; the other suites then run in the background."""
        with contextlib.suppress(StopIteration):
            while self._next().cached:
                pass

    def _next(self) -> suites.Verdict:
        verdict = next(self.running)
        self.verdicts[verdict.name] = verdict
        failed = sum(not verdict.passed for verdict in self.verdicts.values())
        done = f"{len(self.verdicts)} of {len(self.asked)} suites, {failed} failed"
        self._say(f"{done}; {self.progress}")
        return verdict

    def verdict(self, name: str) -> suites.Verdict:
        """Wait for the verdict on one suite."""
        while name not in self.verdicts:
            self._next()
        return self.verdicts[name]


@pytest.fixture(scope="session")
def suite_runs(request: pytest.FixtureRequest, projects: Projects, say: Any) -> Iterator[Suites]:
    """Run the suite of every combination that a test of this session uses."""
    runs = Suites(selected(request, "suite_runs"), projects, say)
    with contextlib.closing(runs.running):  # type: ignore[type-var]
        yield runs


def example(name: str) -> Combination:
    """Read an example's answers file as a combination."""
    data = render.read_answers(demo.answers_file(name))
    answers = enumeration().questionnaire.resolve(data)
    return Combination(name, data, answers)


def as_in_a_terminal() -> None:
    """Undo that a background process ignores Ctrl-C and a closed terminal."""
    for ending in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, signal.SIG_DFL)
