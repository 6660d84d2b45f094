"""Generated suites, each in a process of its own.

The processes are forked from a server that has imported Keras and its backend but run nothing,
which saves each of them the import. A server has one backend, so each backend has its own, one
after the other; see `main` at the end, which is what `run` starts, and which goes on by itself.
"""

import ast
import contextlib
import fcntl
import gc
import json
import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import multiprocessing.process
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from generator.cache import Cache
from generator.combinations import Combination

# Suites compile many small programs and run each a few times: what is compiled is kept for the
# other suites of the run, and little is optimised.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONDONTWRITEBYTECODE": "1",  # a project's directory stays as it was rendered
    "PYTEST_ADDOPTS": "",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}

# Seconds after which a suite counts as hanging, and a process whose tests are over.
TIME_LIMIT = 900
TIME_TO_END = 10


@dataclass(frozen=True)
class Verdict:
    """What came out of one suite; `output` is empty if it passed.

    seconds: wall time; cpu: CPU seconds of its processes; memory: peak of one of them, in MiB.
    """

    name: str
    passed: bool
    tests: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    cached: bool = False
    output: str = ""


def run(
    combinations: Iterable[Combination],
    projects: Mapping[str, Path],
    workers: int | None = None,
    time_limit: float = TIME_LIMIT,
    cache: Cache | None = None,
) -> Iterator[Verdict]:
    """The verdict on each combination as they come, both backends in one go.

    projects: the directory of each combination by name; workers: as many as cores by default;
    time_limit: seconds for a suite. A passed suite is not run again if the cache knows it.
    """
    cache = cache or Cache(None)
    waiting: dict[str, list[str]] = {}
    for combination in combinations:
        if seconds := cache.passed(projects[combination.name]):
            yield Verdict(combination.name, True, seconds=seconds, cached=True)
        else:
            waiting.setdefault(combination.backend, []).append(combination.name)
    folders = {b: {name: projects[name] for name in names} for b, names in waiting.items()}
    for verdict in run_backends(folders, workers, time_limit):
        if verdict.passed:
            cache.keep(projects[verdict.name], verdict.seconds)
        yield verdict


def run_backends(
    projects: Mapping[str, Mapping[str, Path]],
    workers: int | None = None,
    time_limit: float = TIME_LIMIT,
) -> Iterator[Verdict]:
    """The verdict on each project in the order in which they end, one backend after the other.

    projects: for each backend the directories by name.
    """
    if not projects:
        return
    command = [sys.executable, "-m", "generator.suites", str(workers or os.cpu_count() or 1)]
    command.append(str(time_limit))
    missing = {name: backend for backend, folders in projects.items() for name in folders}
    with (
        tempfile.TemporaryDirectory(prefix="runner-") as scratch,
        subprocess.Popen(
            command,
            env={**os.environ, **ENVIRONMENT}
            | {"SUITES_TMPDIR": scratch, "JAX_COMPILATION_CACHE_DIR": f"{scratch}/compiled"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # what ends a whole group leaves it time to end its suites
        ) as parent,
    ):
        assert parent.stdin and parent.stdout
        # It ends its suites when the pipe closes, in whatever way this process comes to an end.
        try:
            print(json.dumps(projects, default=str), file=parent.stdin, flush=True)
            for line in parent.stdout:
                verdict = Verdict(**json.loads(line))
                missing.pop(verdict.name, None)
                yield verdict
        finally:
            parent.stdin.close()
            parent.stdout.close()  # it may be printing
            parent.wait()
    for name, backend in sorted(missing.items()):
        reason = f"no verdict: the runner of the {backend} suites ended with {parent.returncode}"
        yield Verdict(name, False, output=reason)


def reproduce(folder: Path, backend: str) -> str:
    """The command that runs one suite by hand."""
    settings = {name: ENVIRONMENT[name] for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "XLA_FLAGS")}
    settings |= {"KERAS_BACKEND": backend, "PYTHONPATH": "src"}
    words = [*(f"{name}={value}" for name, value in settings.items()), sys.executable]
    words += ["-m", "pytest", f"--basetemp={folder}.tmp"]
    return f"cd {shlex.quote(str(folder))} && env {shlex.join(words)}"


def count_tests(folder: Path) -> int:
    """Test functions that the files of a project define."""
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for path in (folder / "tests").glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
    )


def run_suite(name: str, folder: str, result: Connection, runner: Connection) -> None:
    """Run pytest in this process, which ends with it, and send the verdict.

    runner: a pipe that is closed when the runner is gone, in whatever way.
    """
    import resource

    import pytest

    os.setsid()  # whoever ends it ends its children too
    # Unless the runner lives on, the end of the pipe is a signal to the group that nobody catches.
    fcntl.fcntl(runner, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(runner, fcntl.F_SETFL, fcntl.fcntl(runner, fcntl.F_GETFL) | os.O_ASYNC)
    if runner.poll():  # it is gone already
        return
    log, temporary = Path(f"{folder}.log"), Path(f"{folder}.tmp")
    with log.open("w", encoding="utf-8") as output:
        for stream in (1, 2):  # also what compiled code prints
            os.dup2(output.fileno(), stream)
    # What it leaves there if it is killed goes with the runner.
    os.environ["TMPDIR"] = tempfile.tempdir = os.environ["SUITES_TMPDIR"]
    os.chdir(folder)
    sys.path[:0] = [str(Path(folder, "src")), str(Path(folder, "tests"))]
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf

        # A graph that runs a few times is not worth optimising.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    else:
        sys.meta_path.insert(0, _NoTensorFlow)  # type: ignore[arg-type]
    # What the server has imported stays; looking through the rest rarely saves another twentieth.
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    # The process that a suite starts for a second opinion is as warm as this one.
    multiprocessing.set_start_method("fork", force=True)
    counter = _Counter()
    start = time.perf_counter()
    options = ["-q", "--rootdir", folder, "--basetemp", str(temporary)]
    # Nothing to remember here, and a look for what was never collected takes a twentieth.
    options += ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
    code = pytest.main(options, [counter])
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    verdict = Verdict(
        name,
        passed=code == 0 and 0 < count_tests(Path(folder)) <= counter.passed,
        tests=counter.passed,
        seconds=time.perf_counter() - start,
        cpu=sum(usage.ru_utime + usage.ru_stime for usage in used),
        memory=max(usage.ru_maxrss for usage in used) / 1024,
    )
    if verdict.passed:
        log.unlink()
        shutil.rmtree(temporary, ignore_errors=True)  # there only if a test asked for it
    else:
        sys.stdout.flush()
        reason = f"{counter.passed} tests passed, the files define {count_tests(Path(folder))}\n"
        verdict = replace(verdict, output=reason + read_log(log))
    result.send(verdict)


def read_log(log: Path) -> str:
    """What a suite has printed, which may be anything."""
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


class _NoTensorFlow:
    """A project on another backend is installed without TensorFlow: here it cannot be found."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


class _Counter:
    """A pytest plugin that counts the tests that passed, a parametrised one once."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    @property
    def passed(self) -> int:
        return len(self._names)

    def pytest_runtest_logreport(self, report: object) -> None:
        if getattr(report, "when", "") == "call" and getattr(report, "passed", False):
            self._names.add(getattr(report, "nodeid", "").partition("[")[0])


def main(workers: int, time_limit: float) -> None:
    """Run the suites, each in a process, and print each verdict as a line of JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, by closing the pipe
    later = Path(os.environ["SUITES_TMPDIR"], "later.json")
    backends = json.loads(later.read_text() if later.exists() else sys.stdin.readline())
    backend, projects = backends.popitem()
    os.environ["KERAS_BACKEND"] = backend  # of the server, which starts with the first suite
    later.write_text(json.dumps(backends))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras", "pandas", "matplotlib.figure", "pytest", "tyro"])
    waiting = list(projects)[::-1]
    lost: list[str] = []  # by a server that one of them may have killed: run again, one by one
    again: set[str] = set()
    running: list[_Running] = []
    try:
        while waiting or lost or running:
            while (waiting and len(running) < workers) or (lost and not running):
                name = waiting.pop() if waiting else lost.pop()
                running.append(_Running.start(context, name, projects[name], time_limit))
            pipe = sys.stdin.fileno()
            events = [pipe, *(event for suite in running for event in suite.events)]
            if pipe in multiprocessing.connection.wait(events, timeout=1):
                return
            for suite in list(running):
                if verdict := suite.verdict():
                    running.remove(suite)
                    if suite.lost and suite.name not in again:
                        again.add(suite.name)
                        lost.append(suite.name)
                    else:
                        print(json.dumps(asdict(verdict)), flush=True)
    except BrokenPipeError:  # nobody reads any more
        sys.stdout = None  # type: ignore[assignment]
        return
    finally:
        for suite in running:
            suite.end()
    if backends:  # a server cannot change its backend: this process begins anew
        os.execv(sys.executable, sys.orig_argv)


@dataclass
class _Running:
    """A suite at work; `alive` is open as long as the runner is, `received` its own verdict."""

    name: str
    log: Path
    process: multiprocessing.process.BaseProcess
    result: Connection
    alive: Connection
    time_limit: float
    deadline: float
    received: Verdict | None = None

    @classmethod
    def start(
        cls,
        context: multiprocessing.context.ForkServerContext,
        name: str,
        folder: str,
        time_limit: float,
    ) -> "_Running":
        result, sender = context.Pipe(duplex=False)
        runner, alive = context.Pipe(duplex=False)
        arguments = (name, folder, sender, runner)
        for tries_left in (4, 3, 2, 1, 0):
            try:
                process = context.Process(target=run_suite, args=arguments)
                process.start()
                break
            except (EOFError, OSError):  # the server has died: it is replaced once it is gone
                if not tries_left:
                    raise
                time.sleep(0.2)
        sender.close()
        runner.close()
        deadline = time.monotonic() + time_limit
        return cls(name, Path(f"{folder}.log"), process, result, alive, time_limit, deadline)

    @property
    def lost(self) -> bool:
        """Whether the server has died, which alone knows how its process ended."""
        return self.received is None and self.process.exitcode == 255

    @property
    def events(self) -> list[Any]:
        """What is ready when there may be a verdict."""
        return [self.process.sentinel] + ([] if self.received else [self.result])

    def verdict(self) -> Verdict | None:
        """What came out, once its process is over, or its time."""
        ended = not self.process.is_alive()  # asked first: it may answer and end
        if not self.received:
            with contextlib.suppress(EOFError):
                if self.result.poll():
                    self.received = self.result.recv()
                    self.deadline = time.monotonic() + TIME_TO_END
        late = not ended and time.monotonic() > self.deadline
        if not (ended or late):
            return None
        self.end()
        if self.received and not (late and self.received.passed):
            return self.received
        if ended:
            return self._failed(f"the process ended with {self.process.exitcode}")
        if self.received:
            return self._failed(f"its tests were over, but not its process {TIME_TO_END} s later")
        return self._failed(f"it did not end within {self.time_limit:g} s")

    def end(self) -> None:
        """End its process, and all that this one has started."""
        assert self.process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.result.close()
        self.alive.close()

    def _failed(self, reason: str) -> Verdict:
        return Verdict(self.name, False, output=f"{reason}\n{read_log(self.log)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
