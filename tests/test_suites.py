"""Test the runner of suites: a failing suite fails alone, and its verdict says why."""

import os
import select
import shutil
import tempfile
from pathlib import Path

import pytest

from generator.projects import suites

BODIES = {
    "good": "def test_one():\n    pass\n",
    "bad": "def test_one():\n    assert False, 'it is red'\n",
    "crash": "import os\n\ndef test_one():\n    os._exit(3)\n",
    "status": "import os\n\ndef test_one():\n    os._exit(255)\n",  # as if the server had died
    "killed": "import os, signal, tempfile\n\n"
    "def test_one():\n    tempfile.mkdtemp(prefix='of-a-killed-suite-')\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n",
    "hang": "import time\n\ndef test_one():\n    time.sleep(600)\n",
    "empty": "",
    "skipped": "import pytest\n\n@pytest.mark.skip\ndef test_one():\n    pass\n",
    "broken": "import nowhere\n",
    "endless": "import threading, time\n\n"
    "def test_one():\n    threading.Thread(target=time.sleep, args=[600]).start()\n",
    "bytes": "import os\n\n"
    "def test_one(capfd):\n    with capfd.disabled():\n        os.write(1, b'\\xff')\n"
    "    assert False\n",
    "orphaned": "import os, time\n\n"
    "def test_one():\n    os.fork() or time.sleep(600)\n    os._exit(3)\n",
}
REASONS = {
    "bad": "it is red",
    "crash": "the process ended with 3",
    "status": "the process ended with 255",
    "killed": "the process ended with -9",
    "hang": "it did not end within 10 s",
    "empty": "0 tests passed",
    "skipped": "0 tests passed, the files define 1",
    "broken": "nowhere",
    "endless": "its process was still running 10 s after its tests",
    "bytes": "1 failed",
    "orphaned": "the process ended with 3",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, suites.Verdict]:
    folder = tmp_path_factory.mktemp("suites")
    projects = {name: write_suite(folder / name, body) for name, body in BODIES.items()}
    found = {v.name: v for v in suites.run_backends({"jax": projects}, workers=2, time_limit=10)}
    shutil.rmtree(folder)
    return found


def test_every_suite_has_a_verdict(verdicts: dict[str, suites.Verdict]) -> None:
    assert verdicts.keys() == BODIES.keys()


def test_good_suite_passes_beside_bad_ones(verdicts: dict[str, suites.Verdict]) -> None:
    assert verdicts["good"].passed and verdicts["good"].tests == 1
    assert not verdicts["good"].output


@pytest.mark.parametrize("name", REASONS)
def test_bad_suite_fails_with_its_reason(name: str, verdicts: dict[str, suites.Verdict]) -> None:
    assert not verdicts[name].passed
    assert REASONS[name] in verdicts[name].output


def test_killed_suite_leaves_no_files(verdicts: dict[str, suites.Verdict]) -> None:
    assert "killed" in verdicts
    assert not list(Path(tempfile.gettempdir()).glob("of-a-killed-suite-*"))


def write_suite(folder: Path, body: str) -> Path:
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_it.py").write_text(body, encoding="utf-8")
    return folder


TELLS_ITS_BACKEND = """
import os

def test_one():
    import keras
    with open("told", "w") as told:
        told.write(keras.backend.backend())
"""


def test_next_backend_starts_before_verdicts_are_read(tmp_path: Path) -> None:
    projects = {b: {b: write_suite(tmp_path / b, TELLS_ITS_BACKEND)} for b in ("tensorflow", "jax")}
    ends = []
    for backend in projects:
        os.mkfifo(tmp_path / backend / "told")
        ends.append(os.open(tmp_path / backend / "told", os.O_RDONLY | os.O_NONBLOCK))
    verdicts = suites.run_backends(projects)
    next(verdicts)
    told = []
    for end in ends:
        select.select([end], [], [], 60)
        told.append(os.read(end, 100).decode())
        os.close(end)
    assert told == list(projects)
    assert [verdict.passed for verdict in verdicts] == [True]


KILLS_THE_SERVER = """
import os, signal, time

def test_one():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)
"""


def test_suite_that_kills_the_server_fails_alone(tmp_path: Path) -> None:
    bodies = {"bad": KILLS_THE_SERVER, "good": BODIES["good"], "better": BODIES["good"]}
    projects = {name: write_suite(tmp_path / name, body) for name, body in bodies.items()}
    passed = {verdict.name: verdict.passed for verdict in suites.run_backends({"jax": projects}, 2)}
    assert passed == {"bad": False, "good": True, "better": True}


KILLS_THE_RUNNER = """
import os, pathlib, signal, time

def test_one():
    pathlib.Path("pid").write_text(str(os.getpid()))
    server = pathlib.Path(f"/proc/{os.getppid()}/stat").read_text()
    os.kill(int(server.split()[3]), signal.SIGKILL)
    time.sleep(600)
"""


def test_suite_does_not_outlive_its_runner(tmp_path: Path) -> None:
    write_suite(tmp_path, KILLS_THE_RUNNER)
    [verdict] = suites.run_backends({"jax": {"it": tmp_path}})
    assert not verdict.passed and "no verdict" in verdict.output
    try:
        suite = os.pidfd_open(int((tmp_path / "pid").read_text()))
    except ProcessLookupError:
        return
    ended, _, _ = select.select([suite], [], [], 30)
    assert ended
