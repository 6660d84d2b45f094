"""Split combinations into shards of about equal cost, for a CI that runs them in parallel."""

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from generator.choices.combinations import Combination
from generator.errors import ShardError
from generator.projects.costs import cost, costs

FORMATS = ("github", "gitlab", "json")

# The longest shard may take so many times the mean.
TOLERANCE = 1.2


def shards(combinations: Sequence[Combination], count: int) -> list[list[Combination]]:
    """Split combinations into disjoint lists of about equal cost.

    Each suite, the longest first, goes to the list with the lowest cost so far (Graham 1969).

    Raises:
        ShardError: there are more lists than combinations, or one would take longer than
            TOLERANCE times the mean.
    """
    if not 1 <= count <= len(combinations):
        raise ShardError(f"{count} shards: give 1 to {len(combinations)}")
    known = costs()
    expected = {c.name: cost(c, known) for c in combinations}
    lists: list[list[Combination]] = [[] for _ in range(count)]
    sums = [0.0] * count
    for combination in sorted(combinations, key=lambda c: (-expected[c.name], c.name)):
        least = sums.index(min(sums))
        lists[least].append(combination)
        sums[least] += expected[combination.name]
    if max(sums) > TOLERANCE * sum(sums) / count:
        raise ShardError(
            f"{count} shards: one would take over {TOLERANCE} times the mean: give fewer"
        )
    return lists


def most(combinations: Sequence[Combination], limit: int = 8) -> int:
    """Return the largest number of shards, up to a limit, that have about equal cost."""
    for count in range(min(limit, len(combinations)), 1, -1):
        with contextlib.suppress(ShardError):
            return len(shards(combinations, count))
    return 1


def shard(combinations: Sequence[Combination], which: str) -> list[Combination]:
    """Return one shard.

    Args:
        combinations: all of them.
        which: its number and how many there are, as in 2/8.

    Raises:
        ShardError: there is no such shard.
    """
    number, slash, count = which.partition("/")
    if not (slash and re.fullmatch("[0-9]{1,9}", number) and re.fullmatch("[0-9]{1,9}", count)):
        raise ShardError(f"--shard {which}: give the number of a shard and how many, as in 2/8")
    lists = shards(combinations, int(count))
    if not 1 <= int(number) <= len(lists):
        raise ShardError(f"--shard {which}: there are the shards 1 to {count}")
    return lists[int(number) - 1]


def formatted(combinations: Sequence[Combination], count: int, style: str, options: str) -> str:
    """Return the matrix as text.

    Args:
        combinations: what the jobs run.
        count: the number of shards.
        style: `github` for the value of `strategy.matrix`, `gitlab` for the jobs of a child
            pipeline, `json` for every name.
        options: what selects the same combinations in the commands of the jobs.
    """
    lists = shards(combinations, count)
    names = [f"{number}/{count}" for number in range(1, count + 1)]
    options = f"{options} " if options else ""
    if style == "github":
        jobs = enumerate(names, start=1)
        entries = [{"number": i, "arguments": f"{options}--shard {s}"} for i, s in jobs]
        return json.dumps({"include": entries})
    if style == "json":
        return json.dumps(
            [
                {"shard": s, "combinations": [c.name for c in part]}
                for s, part in zip(names, lists, strict=True)
            ],
            indent=1,
        )
    pipeline: dict[str, Any] = {
        f"suites {name}": {
            "image": "python:3.12",
            "script": [
                "make .venv/.ready",
                f".venv/bin/python -m generator test {options}--shard {name}",
            ],
        }
        for name in names
    }
    return yaml.safe_dump(pipeline, sort_keys=False).rstrip()
