"""Test training on several devices and in several processes: the history is that of one device."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import the_package
from the_package import InputError, distributed

TRAIN = """
from the_package import config
from the_package.__main__ import main

config.FEATURES = ()
main()
"""


def start(*words, devices=1, **environment):
    """Start `train` in a process of its own."""
    given = {
        "PYTHONPATH": str(Path(the_package.__file__).parents[1]),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, "train", *map(str, words)],
        env=os.environ | given | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_two(first, second):
    """Start process 0 and process 1 of one training."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    known = {distributed.ADDRESS: address, distributed.COUNT: "2"}
    return [
        start(*words, **known, **{distributed.NUMBER: str(number)})
        for number, words in enumerate((first, second))
    ]


def finish(*processes):
    """Wait for processes to end without an error; return what they printed."""
    printed = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), printed
    return [out for out, _ in printed]


@pytest.fixture(scope="module")
def settings(table):
    """Give the options of a short training, with batches that cannot be halved."""
    return "--data", table, "--batch-size", "19", "--patience", "9"


@pytest.fixture(scope="module")
def expected(settings, tmp_path_factory):
    """Train on one device; return the history."""
    run = tmp_path_factory.mktemp("alone") / "run"
    finish(start(*settings, "--epochs", "3", "--run", run))
    return pd.read_csv(run / "history.csv")


def assert_alike(run, expected):
    """Compare a history with that of one device, from which the order of sums may differ."""
    found = pd.read_csv(run / "history.csv")
    assert list(found) == list(expected) and len(found) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_two_devices_train_as_one(settings, expected, tmp_path):
    finish(start(*settings, "--epochs", "3", "--run", tmp_path / "run", devices=2))
    assert_alike(tmp_path / "run", expected)


def test_two_processes_train_and_resume_as_one_and_only_the_first_writes(
    settings, expected, tmp_path
):
    runs = tmp_path / "run-0", tmp_path / "run-1"
    reports = finish(*start_two(*[(*settings, "--epochs", "2", "--run", run) for run in runs]))
    assert ["held-out rows" in report for report in reports] == [True, False]
    again = "--resume", runs[0], "--epochs", "3"
    finish(*start_two(again, again))
    assert runs[0].exists() and not runs[1].exists()
    assert_alike(runs[0], expected)


def test_processes_with_other_settings_end_with_one_line(settings, tmp_path):
    words = [(*settings, "--run", tmp_path / "run", "--seed", seed) for seed in "01"]
    for process in start_two(*words):
        _, errors = process.communicate()
        assert process.returncode == 2
        [message] = [line for line in errors.splitlines() if line.startswith("error:")]
        assert "process 1 has another table or other settings than process 0" in message
        assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("address", "count", "number"),
    [
        ("", "2", "0"),
        ("10.0.0.1", "2", "0"),
        ("10.0.0.1:99999", "2", "0"),
        ("10.0.0.1:1234", "two", "0"),
        ("10.0.0.1:1234", "2", "2"),
        ("10.0.0.1:1234", "2", "-1"),
    ],
)
def test_environment_that_cannot_be_used_is_an_input_error(address, count, number, monkeypatch):
    names = distributed.ADDRESS, distributed.COUNT, distributed.NUMBER
    for name, value in zip(names, (address, count, number), strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="KERAS_DISTRIBUTION_"):
        distributed.meet()
