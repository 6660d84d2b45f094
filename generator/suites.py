"""Generated suites, each in a process of its own.

The processes are forked from a server that has imported Keras and its backend but run nothing, which
saves each of them the import. The server has one backend, so each backend has a process of its own
that holds server and workers; see `main` at the end, which is what `run` starts.
"""

import contextlib
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path


# Suites compile many small programs and run each a few times: what is compiled is kept for the other
# suites of the run, and little is optimised.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


@dataclass(frozen=True)
class Verdict:
    """What came out of one suite; `output` is empty if it passed."""

    name: str
    passed: bool
    tests: int
    seconds: float
    output: str = ""


def run(
    backend: str, projects: Mapping[str, Path], workers: int | None = None
) -> Iterator[Verdict]:
    """The verdict on each project (name to directory), as they come."""
    environment = {**os.environ, **ENVIRONMENT, "KERAS_BACKEND": backend}
    command = [sys.executable, "-m", "generator.suites", str(workers or os.cpu_count() or 1)]
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


def run_suite(name: str, folder: str) -> Verdict:
    """Run pytest in this process, which ends with it."""
    import pytest

    counter = _Counter()
    os.chdir(folder)
    sys.path[:0] = [str(Path(folder, "src")), str(Path(folder, "tests"))]
    output = io.StringIO()
    start = time.perf_counter()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", folder], [counter])
    seconds = time.perf_counter() - start
    passed = code == 0 and counter.passed > 0
    return Verdict(name, passed, counter.passed, seconds, "" if passed else output.getvalue())


class _Counter:
    """A pytest plugin that counts the tests that passed."""

    def __init__(self) -> None:
        self.passed = 0

    def pytest_runtest_logreport(self, report: object) -> None:
        if getattr(report, "when", "") == "call" and getattr(report, "passed", False):
            self.passed += 1


def main(workers: int, projects: Iterable[tuple[str, str]]) -> None:
    """Run the suites and print each verdict as a line of JSON."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras", "pandas", "matplotlib.figure", "pytest", "tyro"])
    with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
        futures = {pool.submit(run_suite, *project): project for project in projects}
        for future in as_completed(futures):
            name, _ = futures[future]
            try:
                verdict = future.result()
            except Exception as error:  # the worker died: that suite failed
                verdict = Verdict(name, False, 0, 0.0, f"the process ended: {error!r}")
            print(json.dumps(asdict(verdict)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.load(sys.stdin).items())
