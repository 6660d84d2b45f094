"""Test training on several devices: the history is that of one device."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import the_package

# The CPU, divided into as many devices as the first argument says.
TRAIN = """
import sys

import tensorflow as tf

from the_package import config
from the_package.__main__ import main

config.FEATURES = ()
[cpu] = tf.config.list_physical_devices("CPU")
parts = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv.pop(1))
tf.config.set_logical_device_configuration(cpu, parts)
main()
"""


def train_on(devices, *words):
    """Run `train` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", TRAIN, str(devices), "train", *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(Path(the_package.__file__).parents[1])},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def settings(table):
    """Give the options of a short training, whose last batches are smaller."""
    return "--data", table, "--batch-size", "18", "--patience", "9"


def test_two_devices_train_and_resume_as_one(settings, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for done in (
        train_on(1, *settings, "--run", one, "--epochs", "3"),
        train_on(2, *settings, "--run", two, "--epochs", "2"),
        train_on(2, "--resume", two, "--epochs", "3"),
    ):
        assert done.returncode == 0, done.stderr
    found, expected = (pd.read_csv(run / "history.csv") for run in (two, one))
    assert list(found) == list(expected) and len(found) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_batch_that_cannot_be_divided_is_refused_in_one_line(settings, tmp_path):
    done = train_on(2, *settings, "--batch-size", "19", "--run", tmp_path / "run")
    assert done.returncode == 2
    [message] = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert message.startswith("error: --batch-size 19") and "a multiple of 2" in message
    assert "Traceback" not in done.stderr and not (tmp_path / "run").exists()
