"""python -m generator COMMAND"""

import argparse
import contextlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from generator import render
from generator.combinations import Combination, enumeration
from generator.matrix import FORMATS, ShardError
from generator.measuring import BACKENDS
from generator.questions import ROOT, AnswerError, TemplateError, read_settings
from generator.releases import ReleaseError
from generator.render import RenderError
from generator.suites import TIME_LIMIT, Verdict


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went well, 2 on a user's mistake, else the command's own status."""
    arguments = parser().parse_args(argv)
    try:
        status = int(arguments.command(arguments))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (RenderError, AnswerError, TemplateError, ShardError, ReleaseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"error: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="python -m generator", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="render an example, train it, print its result table")
    demo.add_argument("name", nargs="?", default="penguins", help="one of examples/ (penguins)")
    demo.add_argument("--into", type=Path, default=Path("demo"), help="folder for it (demo)")
    demo.add_argument("--epochs", type=int, help="passes over the training rows, at most")
    demo.set_defaults(command=run_demo)

    one = commands.add_parser("render", help="render one project, refusing unknown answers")
    one.add_argument("destination", type=Path, help="directory that does not exist yet")
    add_answers(one)
    one.set_defaults(command=run_render)

    newer = commands.add_parser(
        "update", help="copier update, saying what clashes and what is gone"
    )
    newer.add_argument("project", type=Path, nargs="+", help="directory of a project, under git")
    add_answers(newer)
    newer.add_argument("--trust", action="store_true", help="let a version move files")
    newer.set_defaults(command=run_update)

    releasing = commands.add_parser("release", help="give the present state a version and a tag")
    releasing.add_argument("version", help="by PEP 440, such as 0.2.0")
    releasing.set_defaults(command=run_release)

    listing = commands.add_parser("combinations", help="print the name of every combination")
    add_selection(listing)
    listing.set_defaults(command=run_combinations)

    answering = commands.add_parser("answers", help="print the answers file of a combination")
    answering.add_argument("name", help="its name")
    answering.set_defaults(command=run_answers)

    checking = commands.add_parser("check", help="render combinations and check them statically")
    add_selection(checking)
    checking.set_defaults(command=run_check)

    testing = commands.add_parser("test", help="render combinations and run their suites")
    add_selection(testing)
    testing.add_argument("--shard", metavar="K/N", help="only the K-th of N shards of them")
    testing.add_argument("--workers", type=positive, help="suites at a time (as many as cores)")
    testing.add_argument(
        "--time-limit", type=seconds, default=TIME_LIMIT, help="seconds for a suite (%(default)s)"
    )
    testing.add_argument("--no-cache", action="store_true", help="run also what has passed before")
    testing.add_argument("--report", type=Path, help="file for the verdicts (JSON)")
    testing.add_argument("--record", action="store_true", help="keep the costs for the matrix")
    testing.set_defaults(command=run_test)

    sharing = commands.add_parser("matrix", help="print the matrix of a CI that runs the suites")
    sharing.add_argument("--format", choices=FORMATS, default="json", help="for what (json)")
    sharing.add_argument("--shards", type=int, help="how many (8, or fewer alike ones)")
    sharing.add_argument(
        "--only", nargs="+", default=[], metavar="PATTERN", dest="pattern",
        help="names or glob patterns, such as 'siamese-*'",
    )  # fmt: skip
    add_strength(sharing)
    sharing.set_defaults(command=run_matrix)

    all_ran = commands.add_parser("ran", help="demand that reports hold every combination, passed")
    all_ran.add_argument("report", nargs="+", type=Path, help="files of `test --report`")
    add_strength(all_ran)
    all_ran.set_defaults(command=run_ran, pattern=[])

    bench = commands.add_parser(
        "bench", help="measure what projects do; without more words, `bench all`"
    )
    bench.set_defaults(command=run_bench, what="all", into=Path("bench"), rounds=5)
    benches = bench.add_subparsers(metavar="WHAT")
    for what, about in (
        ("all", "speed, tasks and peers, kept in one file"),
        ("speed", "training speed beside plain Keras, by the kind of input"),
        ("tasks", "training speed by the number of tasks"),
        ("peers", "training speed beside PyTorch, TorchJD and DeepCTR"),
    ):
        training = benches.add_parser(what, help=about)
        training.add_argument("--into", type=Path, default=Path("bench"), help="folder (bench)")
        training.add_argument("--rounds", type=positive, default=5, help="trainings of each (5)")
        training.set_defaults(command=run_bench, what=what)
    profile = benches.add_parser("profile", help="where the time of a training epoch goes")
    profile.add_argument("--tasks", type=positive, default=32, help="how many, 2 or more (32)")
    profile.add_argument(
        "--backend", choices=BACKENDS, action="append", help="only this one; may be repeated"
    )
    profile.set_defaults(command=run_bench_profile)
    weighting = benches.add_parser("weighting", help="cost and scores of the loss weightings")
    weighting.add_argument("--into", type=Path, default=Path("bench"), help="folder (bench)")
    weighting.add_argument("--seeds", type=positive, default=4, help="trainings of each (4)")
    weighting.add_argument("--epochs", type=positive, help="of each training, for a quick look")
    weighting.add_argument(
        "--backend", choices=("tensorflow", "jax"), default="jax", help="for the scores (jax)"
    )
    weighting.set_defaults(command=run_bench_weighting)
    ways = benches.add_parser("sharing", help="cost of the ways to share; related tasks of MMoE")
    ways.add_argument("--into", type=Path, default=Path("bench"), help="folder (bench)")
    ways.add_argument("--seeds", type=positive, default=8, help="trainings of each, 2 or more (8)")
    ways.add_argument("--epochs", type=positive, default=40, help="of each training (40)")
    ways.add_argument(
        "--backend", choices=("tensorflow", "jax"), default="jax", help="for the losses (jax)"
    )
    ways.set_defaults(command=run_bench_sharing)
    predicting = benches.add_parser("predict", help="rows a second and peak memory of `predict`")
    predicting.set_defaults(command=run_bench_predict)
    streaming = benches.add_parser("streaming", help="training from row groups, beside in memory")
    streaming.add_argument("--rounds", type=positive, default=5, help="times that each trains (5)")
    streaming.set_defaults(command=run_bench_streaming)
    return top


def positive(text: str) -> int:
    """A number of suites."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"'{text}': give an integer of 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """A duration."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"'{text}': give a positive number of seconds")


def run_demo(arguments: argparse.Namespace) -> int:
    """Render an example (or take the one that is there), write its table, train."""
    from generator import examples

    data = render.read_answers(examples.answers_file(arguments.name))
    project = arguments.into / arguments.name
    if project.exists():
        print(f"{project} is there already: training it as it is (remove it to render it anew).")
    else:
        with render.snapshot() as template:
            render.render(template, data, project)
        print(f"Rendered examples/{arguments.name}.yml to {project}.")
    command = [sys.executable, "-m", f"{data['package']}.train"]
    if arguments.name in examples.TABLES:
        table = project / "data" / f"{arguments.name}.csv"
        if not table.exists():
            table.parent.mkdir(exist_ok=True)
            examples.TABLES[arguments.name]().to_csv(table, index=False)
        command += ["--data", str(table.relative_to(project))]
    if arguments.epochs is not None:
        command += ["--epochs", str(arguments.epochs)]
    print(f"Training it: cd {project} && python {' '.join(command[1:])}\n", flush=True)
    path = os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH")]))
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": path}
    environment.pop("KERAS_BACKEND", None)
    status = subprocess.run(command, cwd=project, env=environment, check=False).returncode
    if status == 0:
        print(f"These paths are relative to {project}, a project of its own: see its README.md.")
    return status


def run_render(arguments: argparse.Namespace) -> int:
    """Render one project."""
    data = given(arguments)
    read_settings(ROOT)  # of a file that is no YAML, Copier says more than one line
    with render.snapshot() as template:
        render.render(template, data, arguments.destination)
    print(f"Rendered {arguments.destination}. Next: its README.md.")
    return 0


def add_answers(command: argparse.ArgumentParser) -> None:
    """Answers, in a file or one by one."""
    command.add_argument("--data-file", type=Path, help="answers file (YAML)")
    command.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an answer; may be repeated",
    )


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The answers that are given. Raises RenderError."""
    data: dict[str, Any] = {}
    if arguments.data_file:
        data |= render.read_answers(arguments.data_file)
    for answer in arguments.data:
        key, equals, value = answer.partition("=")
        if not equals:
            raise RenderError(f"--data {answer}: give KEY=VALUE, as in --data backend=jax")
        data[key] = value
    return data


def run_update(arguments: argparse.Namespace) -> int:
    """Update projects and say of each what needs a look: 1 if one does, 2 if one cannot be."""
    from generator.update import update

    status, updated, data = 0, False, given(arguments)
    for project in arguments.project:
        try:
            done = update(project, data, arguments.trust)
        except RenderError as error:
            print(f"error: {project}: {error}", file=sys.stderr)
            status = 2
            continue
        updated = True
        print(f"{project}: {done.version[0]} -> {done.version[1]}")
        for name in done.conflicts:
            print(f"  conflict: {name} has both versions of some lines, choose one of each")
        for name in done.lost:
            print(f"  gone: {name}, which you had changed (git restore {name} brings it back)")
        if done.conflicts or done.lost:
            status = max(status, 1)
    if updated:
        print("Next, in each: git diff, pytest, git commit.")
    return status


def run_release(arguments: argparse.Namespace) -> int:
    """Release."""
    from generator.releases import release

    release(arguments.version)
    print(f"Released {arguments.version}. Next: git push --follow-tags")
    return 0


def add_selection(command: argparse.ArgumentParser) -> None:
    """Which combinations: by name, and how many of them."""
    command.add_argument("pattern", nargs="*", help="names or glob patterns, such as 'siamese-*'")
    add_strength(command)


def add_strength(command: argparse.ArgumentParser) -> None:
    """How many combinations."""
    command.add_argument(
        "--strength",
        choices=("2", "3", "all"),
        default="all",
        help="only so many that every 2 or 3 choices meet (all)",
    )


def selection(arguments: argparse.Namespace) -> tuple[Combination, ...]:
    """The combinations that the arguments ask for."""
    combinations = enumeration()
    chosen = combinations.select(*arguments.pattern)
    if arguments.strength != "all":
        covering = set(combinations.covering(int(arguments.strength)))
        chosen = tuple(c for c in chosen if c in covering)
    if not chosen:
        raise AnswerError(
            f"no combination is left of {' '.join(arguments.pattern)} at --strength "
            f"{arguments.strength}: leave --strength out"
        )
    return chosen


def run_combinations(arguments: argparse.Namespace) -> int:
    """Print names, one a line."""
    for combination in selection(arguments):
        print(combination.name)
    return 0


def run_answers(arguments: argparse.Namespace) -> int:
    """Print an answers file that renders a combination."""
    chosen = enumeration().select(arguments.name)
    if len(chosen) > 1:
        raise AnswerError(f"'{arguments.name}' are {len(chosen)} combinations: give one name")
    print(yaml.safe_dump(chosen[0].data, sort_keys=False, allow_unicode=True), end="")
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Render, check, print what is wrong."""
    from generator import checks

    chosen = selection(arguments)
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        projects, reasons = rendered(chosen, Path(folder))
        findings = {name: [f"{name}: {reason}"] for name, reason in reasons.items()}
        findings |= checks.check_all([c for c in chosen if c.name not in reasons], projects)
    wrong = {name: found for name, found in findings.items() if found}
    for found in wrong.values():
        print("\n".join(found))
    print(f"{len(chosen) - len(wrong)} of {len(chosen)} projects are clean.")
    return 1 if wrong else 0


def run_test(arguments: argparse.Namespace) -> int:
    """Render, run the suites, print each verdict and a summary; failed projects are kept."""
    from generator import matrix, suites
    from generator.cache import Cache, user_cache
    from generator.costs import record

    chosen = list(selection(arguments))
    if arguments.shard is not None:
        chosen = matrix.shard(chosen, arguments.shard)
    if arguments.report and not arguments.report.parent.is_dir():
        raise NotADirectoryError(f"--report: there is no folder {arguments.report.parent}")
    if arguments.report and arguments.report.is_dir():
        raise IsADirectoryError(f"--report: {arguments.report} is a folder, give a file")
    if arguments.report:
        write_report(arguments.report, [])  # what cannot be written is known before the suites run
    folder = Path(tempfile.mkdtemp(prefix="suites-"))
    verdicts: list[suites.Verdict] = []
    backend = {c.name: c.backend for c in chosen}
    interrupted, start = False, time.monotonic()
    try:
        projects, reasons = rendered(chosen, folder)
        for name, reason in reasons.items():
            print(f"FAILED {name}: {reason}", flush=True)
            verdicts.append(Verdict(name, False, output=reason))
        cache = Cache(None) if arguments.no_cache else user_cache()
        there = [c for c in chosen if c.name not in reasons]
        running = suites.run(there, projects, arguments.workers, arguments.time_limit, cache)
        with contextlib.closing(running):  # type: ignore[type-var]
            for verdict in running:
                verdicts.append(verdict)
                print(progress(verdict, len(verdicts), len(chosen), start), flush=True)
                if verdict.passed:
                    shutil.rmtree(projects[verdict.name])
                else:
                    print(verdict.output[-3000:])
                    again = suites.reproduce(projects[verdict.name], backend[verdict.name])
                    print(f"Run it again: {again}")
                    print(f"or: python -m generator test '{verdict.name}'", flush=True)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if all(verdict.passed for verdict in verdicts):
            shutil.rmtree(folder, ignore_errors=True)
    passed = [verdict for verdict in verdicts if verdict.passed]
    print(f"{len(passed)} of {len(chosen)} suites passed", end="")
    print(
        f", {len(verdicts) - len(passed)} failed, {len(chosen) - len(verdicts)} did not run", end=""
    )
    print(f" ({sum(v.cached for v in verdicts)} had passed before, by the cache).")
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


def write_report(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Verdicts by name, as JSON. Raises OSError."""
    report = {v.name: {**asdict(v), "output": v.output[-3000:]} for v in verdicts}
    try:
        path.write_text(json.dumps(report, indent=1), encoding="utf-8")
    except OSError as error:
        raise OSError(f"--report {path}: {error.strerror}") from None


def rendered(chosen: Sequence[Combination], folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Their projects below a folder, and why for each that does not render.

    Raises RenderError if none does.
    """
    with render.snapshot() as template:
        print(f"Rendering {len(chosen)} projects.", flush=True)
        reasons = render.render_all(template, {c.name: c.data for c in chosen}, folder)
    if len(reasons) == len(chosen):
        name, reason = next(iter(reasons.items()))
        raise RenderError(f"{name}: {reason}")
    return {c.name: folder / c.name for c in chosen}, reasons


def progress(verdict: Verdict, number: int, count: int, start: float) -> str:
    """A line on one suite, and how long the others will take."""
    left = (time.monotonic() - start) / number * (count - number) / 60
    what = "passed" if verdict.passed else "FAILED"
    took = "by the cache" if verdict.cached else f"{verdict.seconds:.0f} s"
    return f"{number}/{count} {what} {verdict.name} ({took}; {left:.0f} min left)"


def costs(verdicts: Sequence[Verdict]) -> str:
    """A line on what suites took."""
    figures = []
    for what, values in (
        ("wall time", sorted(v.seconds for v in verdicts)),
        ("CPU time", sorted(v.cpu for v in verdicts)),
    ):
        high = values[math.ceil(0.95 * len(values)) - 1]
        figures.append(f"{what} {statistics.median(values):.1f} s (95th percentile {high:.1f})")
    memory = max(verdict.memory for verdict in verdicts)
    return f"a suite {', '.join(figures)}, a process at most {memory:.0f} MiB."


def run_matrix(arguments: argparse.Namespace) -> int:
    """Print the matrix."""
    from generator import matrix

    words = [f"'{pattern}'" for pattern in arguments.pattern]
    words += [] if arguments.strength == "all" else [f"--strength {arguments.strength}"]
    chosen = selection(arguments)
    shards = matrix.most(chosen) if arguments.shards is None else arguments.shards
    print(matrix.formatted(chosen, shards, arguments.format, " ".join(words)))
    return 0


def run_ran(arguments: argparse.Namespace) -> int:
    """Hold reports against the enumeration."""
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
    """Which suites of a report passed. Raises AnswerError."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        passed = {str(name): verdict["passed"] for name, verdict in report.items()}
        if not all(isinstance(verdict, bool) for verdict in passed.values()):
            raise TypeError
        return passed
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise AnswerError(f"{path} is no report of `generator test --report`") from None


def run_bench(arguments: argparse.Namespace) -> int:
    """Print ratios, keep them and draw pictures."""
    from generator.bench_all import PARTS, bench

    parts = list(PARTS) if arguments.what == "all" else [arguments.what]
    bench(arguments.what, parts, arguments.into, arguments.rounds)
    return 0


def run_bench_profile(arguments: argparse.Namespace) -> int:
    """Print a table."""
    from generator.bench_profile import bench_profile

    if arguments.tasks < 2:
        raise AnswerError("--tasks 1: give 2 or more, for heads to be separate or stacked")
    bench_profile(arguments.tasks, arguments.backend or BACKENDS)
    return 0


def run_bench_weighting(arguments: argparse.Namespace) -> int:
    """Print tables and draw a picture."""
    from generator.bench_weighting import bench_weighting

    bench_weighting(arguments.into, arguments.seeds, arguments.epochs, arguments.backend)
    return 0


def run_bench_predict(arguments: argparse.Namespace) -> int:
    """Print a table."""
    from generator.bench_predict import bench_predict

    bench_predict()
    return 0


def run_bench_streaming(arguments: argparse.Namespace) -> int:
    """Print a table."""
    from generator.bench_streaming import bench_streaming

    bench_streaming(arguments.rounds)
    return 0


def run_bench_sharing(arguments: argparse.Namespace) -> int:
    """Print tables and draw a picture."""
    from generator.bench_sharing import bench_sharing

    if arguments.seeds < 2:
        raise AnswerError("--seeds 1: give 2 or more, to see how far seeds differ")
    bench_sharing(arguments.into, arguments.seeds, arguments.epochs, arguments.backend)
    return 0
