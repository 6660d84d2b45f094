"""The combinations in shards of about equal cost, for a CI that runs them side by side."""

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from generator.combinations import Combination
from generator.costs import cost, costs

FORMATS = ("github", "gitlab", "json")

# How much longer than the mean a shard may take.
TOLERANCE = 1.2


class ShardError(ValueError):
    """A shard that there is not: what was asked for, and what there is."""


def shards(combinations: Sequence[Combination], count: int) -> list[list[Combination]]:
    """Disjoint lists that hold every combination: the longest suite first, each to the list that
    has least (Graham 1969). Raises ShardError for more lists than combinations, and for so many
    that one takes longer than TOLERANCE times the mean.
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
        raise ShardError(f"{count} shards: one would be over {TOLERANCE} of the mean, give fewer")
    return lists


def most(combinations: Sequence[Combination], limit: int = 8) -> int:
    """The largest number of shards up to a limit that are alike in cost."""
    for count in range(min(limit, len(combinations)), 1, -1):
        with contextlib.suppress(ShardError):
            return len(shards(combinations, count))
    return 1


def shard(combinations: Sequence[Combination], which: str) -> list[Combination]:
    """The list that `which`, as in 2/8, names. Raises ShardError."""
    number, slash, count = which.partition("/")
    if not (slash and re.fullmatch("[0-9]{1,9}", number) and re.fullmatch("[0-9]{1,9}", count)):
        raise ShardError(f"--shard {which}: give the number of a shard and how many, as in 2/8")
    lists = shards(combinations, int(count))
    if not 1 <= int(number) <= len(lists):
        raise ShardError(f"--shard {which}: there are the shards 1 to {count}")
    return lists[int(number) - 1]


def formatted(combinations: Sequence[Combination], count: int, style: str, options: str) -> str:
    """The matrix as text.

    style: `github`, the value of `strategy.matrix`; `gitlab`, the jobs of a child pipeline; `json`,
    every name. options: those that select the same combinations, for the commands of the jobs.
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
