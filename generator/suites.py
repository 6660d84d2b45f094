"""Generated suites, each in a process of its own.

The processes are forked from a server that has imported Keras and its backend but run nothing,
which saves each of them the import. The server has one backend, so each backend has a process of
its own that holds server and workers; see `main` at the end, which is what `run` starts.
"""

import ast
import json
import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import multiprocessing.process
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

# Suites compile many small programs and run each a few times: what is compiled is kept for the
# other suites of the run, and little is optimised.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


# Seconds after which a suite counts as hanging.
TIME_LIMIT = 900


@dataclass(frozen=True)
class Verdict:
    """What came out of one suite; `output` is empty if it passed."""

    name: str
    passed: bool
    tests: int
    seconds: float
    output: str = ""


def run(
    backend: str,
    projects: Mapping[str, Path],
    workers: int | None = None,
    time_limit: float = TIME_LIMIT,
) -> Iterator[Verdict]:
    """The verdict on each project (name to directory), as they come; `time_limit` is in seconds."""
    environment = {**os.environ, **ENVIRONMENT, "KERAS_BACKEND": backend}
    command = [sys.executable, "-m", "generator.suites", str(workers or os.cpu_count() or 1)]
    command.append(str(time_limit))
    with (
        tempfile.TemporaryDirectory(prefix="xla-") as compiled,
        subprocess.Popen(
            command,
            env=environment | {"JAX_COMPILATION_CACHE_DIR": compiled},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as parent,
    ):
        assert parent.stdin and parent.stdout
        json.dump({name: str(folder) for name, folder in projects.items()}, parent.stdin)
        parent.stdin.close()
        for line in parent.stdout:
            yield Verdict(**json.loads(line))
    if parent.returncode:
        raise RuntimeError(f"the runner of the {backend} suites ended with {parent.returncode}")


def run_suite(name: str, folder: str, result: Connection) -> None:
    """Run pytest in this process, which ends with it, and send the verdict."""
    import pytest

    log = Path(f"{folder}.log")
    with log.open("w", encoding="utf-8") as output:
        for stream in (1, 2):  # also what compiled code prints
            os.dup2(output.fileno(), stream)
    os.chdir(folder)
    sys.path[:0] = [str(Path(folder, "src")), str(Path(folder, "tests"))]
    counter = _Counter()
    start = time.perf_counter()
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", folder], [counter])
    seconds = time.perf_counter() - start
    defined = count_tests(Path(folder))
    if code == 0 and 0 < defined <= counter.passed:
        log.unlink()
        result.send(Verdict(name, True, counter.passed, seconds))
        return
    sys.stdout.flush()
    reason = f"{counter.passed} tests passed, the files define {defined}\n"
    result.send(Verdict(name, False, counter.passed, seconds, reason + log.read_text("utf-8")))


def count_tests(folder: Path) -> int:
    """Test functions that the files of a project define."""
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for path in (folder / "tests").glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
    )


class _Counter:
    """A pytest plugin that counts the tests that passed."""

    def __init__(self) -> None:
        self.passed = 0

    def pytest_runtest_logreport(self, report: object) -> None:
        if getattr(report, "when", "") == "call" and getattr(report, "passed", False):
            self.passed += 1


def main(workers: int, time_limit: float, projects: Iterable[tuple[str, str]]) -> None:
    """Run the suites, each in a process, and print each verdict as a line of JSON."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras", "pandas", "matplotlib.figure", "pytest", "tyro"])
    waiting = list(projects)[::-1]
    running: list[_Running] = []
    while waiting or running:
        while waiting and len(running) < workers:
            running.append(_Running.start(context, *waiting.pop(), time_limit))
        multiprocessing.connection.wait([suite.result for suite in running], timeout=1)
        for suite in list(running):
            if verdict := suite.verdict():
                running.remove(suite)
                print(json.dumps(asdict(verdict)), flush=True)


@dataclass(frozen=True)
class _Running:
    """A suite at work."""

    name: str
    log: Path
    process: multiprocessing.process.BaseProcess
    result: Connection
    time_limit: float
    deadline: float

    @classmethod
    def start(
        cls,
        context: multiprocessing.context.ForkServerContext,
        name: str,
        folder: str,
        time_limit: float,
    ) -> "_Running":
        result, sender = context.Pipe(duplex=False)
        process = context.Process(target=run_suite, args=(name, folder, sender))
        process.start()
        sender.close()
        deadline = time.monotonic() + time_limit
        return cls(name, Path(f"{folder}.log"), process, result, time_limit, deadline)

    def verdict(self) -> Verdict | None:
        """What came out, once something has: an answer, a death or the end of its time."""
        if self.result.poll():
            try:
                verdict: Verdict = self.result.recv()
            except EOFError:
                self.process.join()
                return self._failed(f"the process ended with {self.process.exitcode}")
            self.process.join()
            return verdict
        if time.monotonic() > self.deadline:
            self.process.kill()
            self.process.join()
            return self._failed(f"it did not end within {self.time_limit:g} s")
        return None

    def _failed(self, reason: str) -> Verdict:
        log = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        return Verdict(self.name, False, 0, 0.0, f"{reason}\n{log}")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), json.load(sys.stdin).items())
