"""Estimate what a suite costs, from measurements, to balance shards and prefer cheap suites."""

import json
import os
import statistics
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.choices.combinations import Combination

COSTS = Path(__file__).with_name("costs.json")


def costs() -> dict[str, float]:
    """Read measured seconds of suites, by backend, kind of input and number of tasks.

    `python -m generator test --record` writes them.
    """
    return dict(json.loads(COSTS.read_text(encoding="utf-8")))


def kind(combination: "Combination") -> str:
    """Return the key that a suite's cost is recorded under."""
    answers = combination.answers
    return f"{combination.backend} {answers['input_kind']} {answers['num_tasks']}"


def cost(combination: "Combination", known: Mapping[str, float]) -> float:
    """Estimate the seconds of a suite: the median of the measured suites most like it."""
    backend, kind_of_input, tasks = kind(combination).split()
    for alike in (kind(combination), f"{backend} * {tasks}", f"{backend} {kind_of_input} *", "*"):
        if found := [seconds for name, seconds in known.items() if fnmatchcase(name, alike)]:
            return statistics.median(found)
    return 1.0


def record(measured: Iterable[tuple["Combination", float]]) -> None:
    """Save the median seconds of each kind of suite; kinds that were not run keep theirs."""
    seconds: dict[str, list[float]] = {}
    for combination, taken in measured:
        seconds.setdefault(kind(combination), []).append(taken)
    new = {name: round(statistics.median(taken), 1) for name, taken in seconds.items()}
    text = json.dumps(dict(sorted((costs() | new).items())), indent=1)
    draft = COSTS.with_suffix(f".{os.getpid()}")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(COSTS)
