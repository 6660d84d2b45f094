"""Run the test suites of projects, each in a process of its own.

The processes are forked from a server that has imported Keras and its backend but run nothing,
which saves each of them the import. A server has one backend, so each backend has its own, one
after the other. `run` starts `main` as a process, which keeps running while verdicts are read.
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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from generator.projects.scratch import scratch

# Suites compile many small programs and run each a few times: compiled programs are shared by the
# suites of a run, and are optimized little.
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

# Seconds after which a suite counts as hanging, and a process after its last test.
TIME_LIMIT = 900
TIME_TO_END = 10


@dataclass(frozen=True)
class Verdict:
    """The result of one suite.

    Attributes:
        tests: how many test functions passed.
        seconds: wall time.
        cpu: CPU seconds of its processes.
        memory: peak memory of one process, in MiB.
        cached: whether all of it had passed before.
        modules: whether each test module passed that ran in its process.
        shared: for each other test module, the suite whose run proved it.
        output: what it printed; empty if it passed.
    """

    name: str
    passed: bool
    tests: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    cached: bool = False
    modules: dict[str, bool] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    output: str = ""


def run_backends(
    projects: Mapping[str, Mapping[str, Path]],
    workers: int | None = None,
    time_limit: float = TIME_LIMIT,
    modules: Mapping[str, Sequence[str]] | None = None,
    watch: Callable[[list[str]], object] | None = None,
) -> Iterator[Verdict]:
    """Yield the verdict on each project in the order in which they end, by backend.

    Args:
        projects: for each backend, directories by name.
        workers: suites at a time; by default the number of cores.
        time_limit: seconds for a suite.
        modules: the test modules to run, by name of the project; by default all of them.
        watch: is told the names of the suites that run, at each change.
    """
    modules = modules or {}
    if not projects:
        return
    command = [
        sys.executable,
        "-m",
        "generator.projects.suites",
        str(workers or os.cpu_count() or 1),
    ]
    command.append(str(time_limit))
    missing = {name: backend for backend, folders in projects.items() for name in folders}
    with (
        scratch("runner-") as temporary,
        subprocess.Popen(
            command,
            env={**os.environ, **ENVIRONMENT}
            | {"SUITES_TMPDIR": str(temporary)}
            | {"JAX_COMPILATION_CACHE_DIR": str(temporary / "compiled")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a signal to our group leaves it time to end its suites
        ) as parent,
    ):
        assert parent.stdin and parent.stdout
        # It ends its suites when the pipe closes, however this process ends.
        try:
            work = {
                backend: {name: (str(folder), modules.get(name)) for name, folder in named.items()}
                for backend, named in projects.items()
            }
            print(json.dumps(work), file=parent.stdin, flush=True)
            for line in parent.stdout:
                found = json.loads(line)
                if isinstance(found, list):
                    if watch:
                        watch(found)
                    continue
                verdict = Verdict(**found)
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
    """Return the command that runs one suite by hand."""
    settings = {name: ENVIRONMENT[name] for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "XLA_FLAGS")}
    settings |= {"KERAS_BACKEND": backend, "PYTHONPATH": "src"}
    words = [*(f"{name}={value}" for name, value in settings.items()), sys.executable]
    words += ["-m", "pytest", f"--basetemp={folder}.tmp"]
    return f"cd {shlex.quote(str(folder))} && env {shlex.join(words)}"


def count_tests(path: Path) -> int:
    """Count the test functions that a file defines."""
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
    )


def run_suite(
    name: str, folder: str, modules: list[str] | None, result: Connection, runner: Connection
) -> None:
    """Run pytest in this process and send the verdict.

    Args:
        name: the name of the suite.
        folder: the directory of the project.
        modules: the test modules to run; all of them if None.
        result: receives the verdict.
        runner: a pipe that closes when the runner ends, however it ends.
    """
    import resource

    import pytest

    os.setsid()  # a signal to its group also ends its children
    # When the runner ends, the end of the pipe sends its group a signal that nobody catches.
    fcntl.fcntl(runner, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(runner, fcntl.F_SETFL, fcntl.fcntl(runner, fcntl.F_GETFL) | os.O_ASYNC)
    if runner.poll():  # it has ended already
        return
    log, temporary = Path(f"{folder}.log"), Path(f"{folder}.tmp")
    with log.open("w", encoding="utf-8") as output:
        for stream in (1, 2):  # also what compiled code prints
            os.dup2(output.fileno(), stream)
    # If it is killed, the runner deletes what it leaves there.
    os.environ["TMPDIR"] = tempfile.tempdir = os.environ["SUITES_TMPDIR"]
    os.chdir(folder)
    sys.path[:0] = [str(Path(folder, "src")), str(Path(folder, "tests"))]
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf

        # A graph that runs a few times is not worth optimizing.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    else:
        sys.meta_path.insert(0, _NoTensorFlow)  # type: ignore[arg-type]
    # What the server has imported is never freed; to collect the rest rarely saves 5 % of the time.
    gc.freeze()
    gc.set_threshold(5_000, 50, 50)
    # A process that a suite starts then has the same imports as this one.
    multiprocessing.set_start_method("fork", force=True)
    counter = _Counter()
    start = time.perf_counter()
    options = ["-q", "--rootdir", folder, "--basetemp", str(temporary)]
    # Nothing is remembered here, and the search for unraisable exceptions takes 5 % of the time.
    options += ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
    files = [Path("tests", f"{module}.py") for module in modules or []]
    code = pytest.main([*options, *map(str, files)], [counter])
    files = files or sorted(Path("tests").glob("test_*.py"))
    defined = {path.stem: count_tests(path) for path in files}
    passed = {m: counter.good(m) and 0 < n <= counter.passed[m] for m, n in defined.items()}
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    verdict = Verdict(
        name,
        passed=code == 0 and bool(passed) and all(passed.values()),
        tests=counter.passed.total(),
        seconds=time.perf_counter() - start,
        cpu=sum(usage.ru_utime + usage.ru_stime for usage in used),
        memory=max(usage.ru_maxrss for usage in used) / 1024,
        modules=passed,
    )
    if verdict.passed:
        log.unlink()
        shutil.rmtree(temporary, ignore_errors=True)  # there only if a test asked for it
    else:
        sys.stdout.flush()
        numbers = counter.passed.total(), sum(defined.values())
        reason = "{} tests passed, the files define {}\n".format(*numbers)
        verdict = replace(verdict, output=reason + read_log(log))
    result.send(verdict)


def read_log(log: Path) -> str:
    """Read what a suite has printed, in whatever encoding."""
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


class _NoTensorFlow:
    """Hide TensorFlow, which a project on another backend is installed without."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Refuse to import it, as if it were not installed."""
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


class _Counter:
    """A pytest plugin that counts the tests of each module that passed, a parametrized one once."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._failed: set[str] = set()

    @property
    def passed(self) -> Counter[str]:
        """How many passed, by module."""
        return Counter(Path(name.partition("::")[0]).stem for name in self._names)

    def good(self, module: str) -> bool:
        """Tell whether no test of a module failed."""
        return module not in self._failed

    def pytest_collectreport(self, report: Any) -> None:
        """Note a module that cannot be imported."""
        self._note(report)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a test that passed."""
        self._note(report)
        if report.when == "call" and report.passed:
            self._names.add(report.nodeid.partition("[")[0])

    def _note(self, report: Any) -> None:
        if report.failed:
            self._failed.add(Path(report.nodeid.partition("::")[0]).stem)


def main(workers: int, time_limit: float) -> None:
    """Run the suites, each in a process, and print each verdict as a line of JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent closes the pipe instead
    os.nice(max(0, 5 - os.nice(0)))  # what runs beside suites, such as other tests, goes first
    later = Path(os.environ["SUITES_TMPDIR"], "later.json")
    backends = json.loads(later.read_text() if later.exists() else sys.stdin.readline())
    backend, projects = backends.popitem()
    os.environ["KERAS_BACKEND"] = backend  # of the server, which starts with the first suite
    later.write_text(json.dumps(backends))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras", "pandas", "matplotlib.figure", "pytest", "tyro"])
    waiting = list(projects)[::-1]
    lost: list[str] = []  # with a server that one of them may have killed: run again one by one
    again: set[str] = set()
    running: list[_Running] = []
    try:
        while waiting or lost or running:
            while (waiting and len(running) < workers) or (lost and not running):
                name = waiting.pop() if waiting else lost.pop()
                folder, modules = projects[name]
                running.append(_Running.start(context, name, folder, modules, time_limit))
                print(json.dumps([suite.name for suite in running]), flush=True)
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
    except BrokenPipeError:  # nobody reads the verdicts
        sys.stdout = None  # type: ignore[assignment]
        return
    finally:
        for suite in running:
            suite.end()
    if backends:  # a server cannot change its backend: this process starts again
        os.execv(sys.executable, sys.orig_argv)


@dataclass
class _Running:
    """A running suite.

    Attributes:
        alive: a pipe that is open as long as the runner lives.
        received: the verdict that the suite has sent.
    """

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
        modules: list[str] | None,
        time_limit: float,
    ) -> "_Running":
        """Start a suite, also if the server must be replaced first."""
        result, sender = context.Pipe(duplex=False)
        runner, alive = context.Pipe(duplex=False)
        arguments = (name, folder, modules, sender, runner)
        for tries_left in (4, 3, 2, 1, 0):
            try:
                process = context.Process(target=run_suite, args=arguments)
                process.start()
                break
            except (EOFError, OSError):  # the server has died, and is replaced once it has ended
                if not tries_left:
                    raise
                time.sleep(0.2)
        sender.close()
        runner.close()
        deadline = time.monotonic() + time_limit
        return cls(name, Path(f"{folder}.log"), process, result, alive, time_limit, deadline)

    @property
    def lost(self) -> bool:
        """Whether the server has died, so that nobody knows how the process ended."""
        return self.received is None and self.process.exitcode == 255

    @property
    def events(self) -> list[Any]:
        """Objects to wait for: one is ready when there may be a verdict."""
        return [self.process.sentinel] + ([] if self.received else [self.result])

    def verdict(self) -> Verdict | None:
        """Return the verdict once the process has ended or its time is up, otherwise None."""
        ended = not self.process.is_alive()  # before the pipe: it may send a verdict and end
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
            return self._failed(f"its process was still running {TIME_TO_END} s after its tests")
        return self._failed(f"it did not end within {self.time_limit:g} s")

    def end(self) -> None:
        """Kill its process and the children of that process."""
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
