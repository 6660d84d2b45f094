"""The commands `check`, `test`, `matrix` and `ran`."""

import argparse
import contextlib
import json
import math
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from generator.choices.combinations import Combination
from generator.choices.commands import selection
from generator.commands import add_selection, add_strength, positive, seconds
from generator.errors import AnswerError, RenderError
from generator.projects import matrix
from generator.projects.costs import record
from generator.projects.scratch import scratch
from generator.projects.suites import TIME_LIMIT, Verdict


def check_command(parser: argparse.ArgumentParser) -> None:
    """Define `check`."""
    add_selection(parser)
    parser.set_defaults(run=check)


def check(arguments: argparse.Namespace) -> int:
    """Render combinations and print what is wrong with them."""
    from generator.projects import checks

    chosen = selection(arguments)
    with scratch("check-") as folder:
        projects, reasons = rendered(chosen, folder)
        findings = {name: [f"{name}: {reason}"] for name, reason in reasons.items()}
        findings |= checks.check_all([c for c in chosen if c.name not in reasons], projects)
    wrong = {name: found for name, found in findings.items() if found}
    for found in wrong.values():
        print("\n".join(found))
    print(f"{len(chosen) - len(wrong)} of {len(chosen)} projects are clean.")
    return 1 if wrong else 0


def test_command(parser: argparse.ArgumentParser) -> None:
    """Define `test`."""
    add_selection(parser)
    parser.add_argument("--shard", metavar="K/N", help="run only the K-th of N shards")
    parser.add_argument("--workers", type=positive, help="suites at a time (default: all cores)")
    parser.add_argument(
        "--time-limit",
        type=seconds,
        default=TIME_LIMIT,
        help="seconds for a suite (default: %(default)s)",
    )
    parser.add_argument("--no-cache", action="store_true", help="run also what has passed before")
    parser.add_argument("--report", type=Path, help="file for the verdicts (JSON)")
    parser.add_argument("--record", action="store_true", help="save the costs for the matrix")
    parser.set_defaults(run=test)


def test(arguments: argparse.Namespace) -> int:
    """Render combinations, run their suites, and print verdicts and a summary.

    Failed projects are kept.
    """
    from generator.projects import suites
    from generator.projects.cache import Cache, user_cache
    from generator.projects.verdicts import Progress, run

    chosen = list(selection(arguments))
    if arguments.shard is not None:
        chosen = matrix.shard(chosen, arguments.shard)
    if arguments.report:
        check_report_path(arguments.report)  # before the suites run
    verdicts: list[Verdict] = []
    backend = {c.name: c.backend for c in chosen}
    kept: Path | None = None
    interrupted, far = False, Progress()
    try:
        with scratch("suites-") as folder:
            projects, reasons = rendered(chosen, folder)
            for name, reason in reasons.items():
                print(f"FAILED {name}: {reason}", flush=True)
                verdicts.append(Verdict(name, False, output=reason))
            cache = Cache(None) if arguments.no_cache else user_cache()
            there = [c for c in chosen if c.name not in reasons]
            # A cost is that of the whole suite.
            share = not arguments.record
            limit = arguments.time_limit
            running = run(there, projects, arguments.workers, limit, cache, share, far)
            with contextlib.closing(running):  # type: ignore[type-var]
                for verdict in running:
                    verdicts.append(verdict)
                    print(f"{len(verdicts)}/{len(chosen)} {line(verdict)}; {far}", flush=True)
                    if verdict.passed:
                        shutil.rmtree(projects[verdict.name])
                        continue
                    print(verdict.output[-3000:])
                    kept = kept or Path(tempfile.mkdtemp(prefix="failed-"))
                    project = Path(shutil.move(projects[verdict.name], kept))
                    print(f"Run it again: {suites.reproduce(project, backend[verdict.name])}")
                    print(f"or: python -m generator test '{verdict.name}'", flush=True)
    except KeyboardInterrupt:
        interrupted = True
    passed = [verdict for verdict in verdicts if verdict.passed]
    print(
        f"{len(passed)} of {len(chosen)} suites passed, {len(verdicts) - len(passed)} failed, "
        f"{len(chosen) - len(verdicts)} did not run "
        f"({sum(v.cached for v in verdicts)} had passed before and came from the cache, "
        f"{sum(bool(v.shared) for v in verdicts)} share test modules with others)."
    )
    for name in sorted(set(backend.values())):
        if ran := [v for v in verdicts if v.seconds and not v.cached and backend[v.name] == name]:
            print(f"{name}: {costs(ran)}")
    if arguments.report:
        write_report(arguments.report, verdicts)
    if arguments.record:
        by_name = {c.name: c for c in chosen}
        record((by_name[v.name], v.seconds) for v in passed if not v.cached)
    if interrupted:
        raise KeyboardInterrupt
    return 0 if len(passed) == len(chosen) else 1


def check_report_path(path: Path) -> None:
    """Create an empty report.

    Raises:
        OSError: the file cannot be written.
    """
    if not path.parent.is_dir():
        raise NotADirectoryError(f"--report: there is no folder {path.parent}")
    if path.is_dir():
        raise IsADirectoryError(f"--report: {path} is a folder: give a file")
    write_report(path, [])


def write_report(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write verdicts by name as JSON.

    Raises:
        OSError: the file cannot be written.
    """
    report = {v.name: {**asdict(v), "output": v.output[-3000:]} for v in verdicts}
    try:
        path.write_text(json.dumps(report, indent=1), encoding="utf-8")
    except OSError as error:
        raise OSError(f"--report {path}: {error.strerror}") from None


def rendered(chosen: Sequence[Combination], folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Render combinations below a folder.

    Returns:
        The directory of each, and the reasons of those that do not render.

    Raises:
        RenderError: none renders.
    """
    from generator.projects import render

    with render.snapshot() as template:
        print(f"Rendering {len(chosen)} projects.", flush=True)
        reasons = render.render_all(template, {c.name: c.data for c in chosen}, folder)
    if len(reasons) == len(chosen):
        name, reason = next(iter(reasons.items()))
        raise RenderError(f"{name}: {reason}")
    return {c.name: folder / c.name for c in chosen}, reasons


def line(verdict: Verdict) -> str:
    """Return what is to be said of one suite."""
    took = "from the cache" if verdict.cached else f"{verdict.seconds:.0f} s"
    if verdict.shared:
        took += f", {len(verdict.shared)} modules ran in {len({*verdict.shared.values()})} others"
    return f"{'passed' if verdict.passed else 'FAILED'} {verdict.name} ({took})"


def costs(verdicts: Sequence[Verdict]) -> str:
    """Return a line on the time and memory of suites."""
    figures = []
    for what, values in (
        ("wall time", sorted(v.seconds for v in verdicts)),
        ("CPU time", sorted(v.cpu for v in verdicts)),
    ):
        high = values[math.ceil(0.95 * len(values)) - 1]
        figures.append(f"{what} {statistics.median(values):.1f} s (95th percentile {high:.1f})")
    memory = max(verdict.memory for verdict in verdicts)
    return f"median per suite: {', '.join(figures)}; largest process {memory:.0f} MiB."


def matrix_command(parser: argparse.ArgumentParser) -> None:
    """Define `matrix`."""
    parser.add_argument(
        "--format", choices=matrix.FORMATS, default="json", help="format (default: json)"
    )
    parser.add_argument(
        "--shards", type=int, help="number of shards (default: 8, or fewer of equal cost)"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="PATTERN",
        dest="pattern",
        help="names or glob patterns, such as 'siamese-*'",
    )
    add_strength(parser)
    parser.set_defaults(run=print_matrix)


def print_matrix(arguments: argparse.Namespace) -> int:
    """Print the matrix."""
    words = [f"'{pattern}'" for pattern in arguments.pattern]
    words += [] if arguments.strength == "all" else [f"--strength {arguments.strength}"]
    chosen = selection(arguments)
    shards = matrix.most(chosen) if arguments.shards is None else arguments.shards
    print(matrix.formatted(chosen, shards, arguments.format, " ".join(words)))
    return 0


def ran_command(parser: argparse.ArgumentParser) -> None:
    """Define `ran`."""
    parser.add_argument("report", nargs="+", type=Path, help="files of `test --report`")
    add_strength(parser)
    parser.set_defaults(run=ran, pattern=[])


def ran(arguments: argparse.Namespace) -> int:
    """Compare reports with the enumeration."""
    chosen = selection(arguments)
    verdicts: dict[str, bool] = {}
    for path in arguments.report:
        for name, good in read_report(path).items():
            verdicts[name] = good and verdicts.get(name, True)
    missing = [c.name for c in chosen if c.name not in verdicts]
    failed = [c.name for c in chosen if not verdicts.get(c.name, True)]
    print("".join(f"in no report: {name}\n" for name in missing), end="")
    print("".join(f"failed: {name}\n" for name in failed), end="")
    passed = len(chosen) - len(missing) - len(failed)
    print(f"{passed} of {len(chosen)} passed, {len(failed)} failed, {len(missing)} in no report.")
    return 0 if passed == len(chosen) else 1


def read_report(path: Path) -> dict[str, bool]:
    """Return whether each suite of a report passed.

    Raises:
        AnswerError: the file is not a report.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        passed = {str(name): verdict["passed"] for name, verdict in report.items()}
        if not all(isinstance(verdict, bool) for verdict in passed.values()):
            raise TypeError
        return passed
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise AnswerError(
            f"{path} is not a report: give a file of `python -m generator test --report`"
        ) from None
