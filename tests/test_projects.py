"""Every combination renders to a clean project; and the suites of many of them pass."""

import pytest
from conftest import BACKENDS, Rendered, Suites, example

from generator import examples
from generator.combinations import Combination, Combinations

COMBINATIONS = Combinations()
ALL = [
    *COMBINATIONS.all(),
    *(example(path.stem, "tensorflow") for path in sorted(examples.FOLDER.glob("*.yml"))),
]
# The default, each choice that differs from it, on both backends, and all examples.
VARIED = {
    name.removesuffix("tensorflow") + backend
    for name in (c.name for c in COMBINATIONS.variations())
    for backend in BACKENDS
}
RUN = [c for c in ALL if c.name in VARIED | {"default"}] + [
    example(path.stem, backend)
    for path in sorted(examples.FOLDER.glob("*.yml"))
    for backend in BACKENDS
]


@pytest.mark.parametrize("combination", ALL, ids=lambda c: c.name)
def test_project_is_clean(combination: Combination, rendered: Rendered) -> None:
    assert not rendered.findings[combination.name]
    assert not rendered.unassigned


@pytest.mark.parametrize("combination", RUN, ids=lambda c: c.name)
def test_suite_passes(combination: Combination, suite_runs: Suites) -> None:
    verdict = suite_runs.verdict(combination.name)
    reproduce = f"cd {suite_runs.folder / combination.name} && PYTHONPATH=src python -m pytest"
    assert verdict.passed, f"{verdict.output}\n{reproduce}"
