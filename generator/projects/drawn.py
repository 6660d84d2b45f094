"""The command `random`: projects of answers drawn at random, and the fewest answers that fail."""

import argparse
from collections.abc import Sequence

import yaml

from generator.choices import draws
from generator.choices.combinations import Combination
from generator.commands import positive
from generator.projects.scratch import scratch


def random_command(parser: argparse.ArgumentParser) -> None:
    """Define `random`."""
    parser.add_argument("count", type=positive, help="how many to draw")
    parser.add_argument("--seed", type=int, default=0, help="decides what is drawn (default: 0)")
    parser.add_argument("--suites", action="store_true", help="also run their suites")
    parser.set_defaults(run=try_them)


def try_them(arguments: argparse.Namespace) -> int:
    """Draw, render, check and test; print what is wrong, and the fewest answers that fail."""
    drawn = draws.draw(arguments.count, arguments.seed)
    wrong = problems(drawn, arguments.suites)
    for name, reason in wrong.items():
        print(f"FAILED {name}: {reason}")
    print(f"{len(drawn) - len(wrong)} of {len(drawn)} projects are good.", flush=True)
    if wrong:
        failing = next(combination for combination in drawn if combination.name in wrong)
        print("The fewest answers with which the first of them fails:", flush=True)
        fewest = shrink(failing, arguments.suites)
        print(yaml.safe_dump(fewest.data, sort_keys=False, allow_unicode=True), end="")
    return 1 if wrong else 0


def problems(chosen: Sequence[Combination], suites: bool) -> dict[str, str]:
    """Return what is wrong with each combination that is not good, by name."""
    from generator.projects import checks, render, verdicts

    with scratch("random-") as folder, render.snapshot() as template:
        projects = {c.name: folder / c.name for c in chosen}
        wrong = dict(render.render_all(template, {c.name: c.data for c in chosen}, folder))
        there = [c for c in chosen if c.name not in wrong]
        found = checks.check_all(there, projects)
        wrong |= {name: "\n".join(lines) for name, lines in found.items() if lines}
        if suites:
            ran = verdicts.run([c for c in there if c.name not in wrong], projects)
            wrong |= {v.name: v.output[-3000:] for v in ran if not v.passed}
    return wrong


def shrink(failing: Combination, suites: bool) -> Combination:
    """Leave out one answer after another, as long as what is left fails."""
    less = list(draws.fewer(failing))
    wrong = problems(less, suites) if less else {}
    smaller = next((combination for combination in less if combination.name in wrong), None)
    return shrink(smaller, suites) if smaller else failing
