"""Training on all devices of one host or of several, each with its part of every batch.

Every process runs all of `train` on the same table; process 0 alone writes and reports. See
https://keras.io/api/distribution/ and https://docs.jax.dev/en/latest/multi_process.html.
"""

import contextlib
import hashlib
import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from . import launch, runs
from .cli import InputError, one_line
from .data import Examples

# What JAX says where it cannot reach another process, in errors of several types.
LOSSES = re.compile("Gloo|NCCL|UNAVAILABLE|DEADLINE_EXCEEDED|ABORTED|CANCELLED")


@contextlib.contextmanager
def devices() -> Iterator[None]:
    """All devices train together in the `with` block; one of several processes ends with it."""
    if not launch.several():
        distribute()
        yield
        return
    code = 1
    try:
        with one_line():
            meet()
        distribute()
        yield
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:
        if LOSSES.search(str(error)):
            code = 2
            print(f"error: {launch.LOST} ({str(error).splitlines()[0]})", file=sys.stderr)
        else:
            sys.excepthook(*sys.exc_info())
    finally:
        # An interpreter that ends waits minutes for processes that do not come to their end.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def meet() -> None:
    """Find the other processes. Raises InputError where process 0 cannot be reached, or begin."""
    address = os.environ[launch.ADDRESS]
    try:
        if os.environ[launch.NUMBER] == "0":  # where the port is taken, JAX may crash
            socket.create_server(("", launch.port())).close()
        number, count = (os.environ[name] for name in (launch.NUMBER, launch.COUNT))
        print(f"Process {number} of {count} waits for the others at {address}.", flush=True)
        keras.distribution.initialize()
        launch.met()
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"no meeting at {launch.ADDRESS}={address} ({error}): is process 0 on that host, was "
            "it started, and is the port free there?"
        ) from None


def distribute() -> None:
    """Models that are built from now on are on all devices."""
    if jax.device_count() > 1:
        # Whole batches go round a process that is alone; of several, each makes its own part.
        parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(parallel)


def leads() -> bool:
    """Whether this is the process that writes and reports."""
    return bool(jax.process_index() == 0)


def check_alike(settings: dict[str, Any]) -> None:
    """Raise InputError, in every process, unless all have the same settings, and so the same table.

    settings: those of `runs.settings`; where files are may differ.
    """
    given = {k: v for k, v in settings["training"].items() if k not in runs.PATHS}
    text = json.dumps({**settings, "training": given}, sort_keys=True)
    digest = np.frombuffer(hashlib.sha256(text.encode()).digest(), "uint8")
    found = multihost_utils.process_allgather(digest).reshape(-1, len(digest))
    for number, other in enumerate(found):
        if not np.array_equal(other, found[0]):
            raise InputError(
                f"process {number} has another table or other settings than process 0: start all "
                "with the same --data and options"
            )


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """What is made in the `with` block is of this process alone: others need not do the same."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def part() -> None:
    """Wait for the other processes; from then on each may end when it likes."""
    if jax.process_count() > 1:
        jax.distributed.shutdown()


def share(rows: Examples, chosen: np.ndarray) -> tuple[dict[str, np.ndarray], ...]:
    """This process's part of a batch, as Keras takes it.

    Every device gets as many rows: the batch is filled up with some that weigh nothing.
    """
    if keras.distribution.distribution() is None:
        return rows.take(chosen).as_tuple()
    count = len(chosen)
    filled = np.concatenate([chosen, np.repeat(chosen[:1], -count % jax.device_count())])
    mine = np.split(np.arange(len(filled)), jax.process_count())[jax.process_index()]
    batch = rows.take(filled[mine]).as_tuple()
    for weights in batch[2].values():
        weights[mine >= count] = 0
    return batch
