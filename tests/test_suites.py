"""The runner of suites: what fails, fails alone, and is seen to fail."""

import shutil

import pytest

from generator import suites

BODIES = {
    "good": "def test_one():\n    pass\n",
    "bad": "def test_one():\n    assert False, 'it is red'\n",
    "crash": "import os\n\ndef test_one():\n    os._exit(3)\n",
    "killed": "import os, signal\n\ndef test_one():\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    "hang": "import time\n\ndef test_one():\n    time.sleep(600)\n",
    "empty": "",
    "skipped": "import pytest\n\n@pytest.mark.skip\ndef test_one():\n    pass\n",
    "broken": "import nowhere\n",
    "endless": "import threading, time\n\n"
    "def test_one():\n    threading.Thread(target=time.sleep, args=[600]).start()\n",
    "orphaned": "import os, time\n\n"
    "def test_one():\n    os.fork() or time.sleep(600)\n    os._exit(3)\n",
}
REASONS = {
    "bad": "it is red",
    "crash": "the process ended with 3",
    "killed": "the process ended with -9",
    "hang": "it did not end within 5 s",
    "empty": "0 tests passed",
    "skipped": "0 tests passed, the files define 1",
    "broken": "nowhere",
    "endless": "its tests were over, but not its process",
    "orphaned": "the process ended with 3",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, suites.Verdict]:
    folder = tmp_path_factory.mktemp("suites")
    for name, body in BODIES.items():
        (folder / name / "tests").mkdir(parents=True)
        (folder / name / "tests" / "test_it.py").write_text(body, encoding="utf-8")
    projects = {name: folder / name for name in BODIES}
    found = {v.name: v for v in suites.run_backend("jax", projects, workers=2, time_limit=5)}
    shutil.rmtree(folder)
    return found


def test_every_suite_has_a_verdict(verdicts: dict[str, suites.Verdict]) -> None:
    assert verdicts.keys() == BODIES.keys()


def test_a_good_suite_passes_beside_bad_ones(verdicts: dict[str, suites.Verdict]) -> None:
    assert verdicts["good"].passed and verdicts["good"].tests == 1
    assert not verdicts["good"].output


@pytest.mark.parametrize("name", REASONS)
def test_a_bad_suite_fails_and_says_why(name: str, verdicts: dict[str, suites.Verdict]) -> None:
    assert not verdicts[name].passed
    assert REASONS[name] in verdicts[name].output
