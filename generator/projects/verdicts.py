"""Decide which test modules run in which project, and what they prove for other projects."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.choices.combinations import Combination
from generator.projects import units
from generator.projects.cache import Cache
from generator.projects.suites import TIME_LIMIT, Verdict, run_backends


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        modules: how many test modules run.
        done: how many of them have run.
        running: the names of the suites that are running.
        start: when the first suite began, by the clock of `time.monotonic`.
    """

    modules: int = 0
    done: int = 0
    running: Sequence[str] = ()
    start: float = 0.0

    def watch(self, running: Sequence[str]) -> None:
        """Note what is running."""
        self.running = running

    def __str__(self) -> str:
        left = (time.monotonic() - self.start) / max(self.done, 1) * (self.modules - self.done)
        parts = [f"{left / 60:.0f} min left"] if self.done else []
        return "; ".join([*parts, *(f"running {name}" for name in self.running)])


def run(
    combinations: Iterable[Combination],
    projects: Mapping[str, Path],
    workers: int | None = None,
    time_limit: float = TIME_LIMIT,
    cache: Cache | None = None,
    share: bool = True,
    progress: Progress | None = None,
) -> Iterator[Verdict]:
    """Yield the verdict on each combination as soon as there is one.

    Args:
        combinations: what to prove, on any backend.
        projects: the directory of each combination, by name.
        workers: suites at a time; by default the number of cores.
        time_limit: seconds for a suite.
        cache: test modules that have passed before, and are not run again.
        share: run a test module once for all projects in which it sees the same files.
        progress: kept up to date.
    """
    progress = progress or Progress()
    plan = Plan(combinations, projects, cache or Cache(None), share)
    progress.modules = sum(map(len, plan.modules.values()))
    yield from plan.proved()
    progress.start = time.monotonic()
    folders = {b: {name: projects[name] for name in names} for b, names in plan.owners.items()}
    running = run_backends(folders, workers, time_limit, plan.modules, progress.watch)
    with contextlib.closing(running):  # type: ignore[type-var]
        for verdict in running:
            plan.add(verdict)
            progress.done += len(plan.modules[verdict.name])
            progress.watch([name for name in progress.running if name != verdict.name])
            yield from plan.proved()


class Plan:
    """Where each test module runs, and which verdicts it is part of.

    Attributes:
        owners: the combinations that run test modules, by backend.
        modules: the test modules that each of them runs.
    """

    def __init__(
        self,
        combinations: Iterable[Combination],
        projects: Mapping[str, Path],
        cache: Cache,
        share: bool,
    ) -> None:
        self.owners: dict[str, list[str]] = {}
        self.modules: dict[str, list[str]] = {}
        self._cache = cache
        self._keys: dict[str, dict[str, str]] = {}  # by combination and module
        self._proofs: dict[str, str] = {}  # by key: the combination that runs it, "" for the cache
        self._waiting: dict[str, set[str]] = {}  # keys without a verdict, by combination
        self._runs: dict[str, Verdict] = {}
        self._failed: dict[str, Verdict] = {}  # by key
        for combination in combinations:
            name, backend = combination.name, combination.backend
            alone = "" if share else name
            keys = {m: f"{backend} {key}{alone}" for m, key in units.keys(projects[name]).items()}
            self._keys[name], self._waiting[name] = keys, set()
            for module, key in keys.items():
                if key not in self._proofs:
                    passed = cache.passed(key)
                    self._proofs[key] = "" if passed else name
                    if not passed:
                        self.modules.setdefault(name, []).append(module)
                if self._proofs[key]:
                    self._waiting[name].add(key)
            if name in self.modules:
                self.owners.setdefault(backend, []).append(name)

    def add(self, verdict: Verdict) -> None:
        """Add the verdict on the modules that a combination has run."""
        self._runs[verdict.name] = verdict
        good = verdict.modules if verdict.passed or not all(verdict.modules.values()) else {}
        done = {self._keys[verdict.name][module]: module for module in self.modules[verdict.name]}
        for key, module in done.items():
            if good.get(module):
                self._cache.keep(key)
            else:
                self._failed[key] = verdict
        for keys in self._waiting.values():
            keys.difference_update(done)

    def proved(self) -> Iterator[Verdict]:
        """Yield the verdicts on combinations whose modules all have one; each once."""
        for name in [name for name, keys in self._waiting.items() if not keys]:
            del self._waiting[name]
            keys = self._keys[name]
            proofs = {module: self._proofs[key] for module, key in keys.items()}
            own = self._runs.get(name, Verdict(name, True, cached=not any(proofs.values())))
            shared = {module: proof for module, proof in proofs.items() if proof not in ("", name)}
            failed = [(m, self._failed[key]) for m, key in keys.items() if key in self._failed]
            others = [(module, verdict) for module, verdict in failed if verdict.name != name]
            output = "".join(f"\n{m}.py failed in {v.name}:\n{v.output}" for m, v in others)
            yield replace(
                own, passed=own.passed and not failed, shared=shared, output=own.output + output
            )
