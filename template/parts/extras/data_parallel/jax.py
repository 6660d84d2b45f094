"""Training on all devices of one host or of several, each with its part of every batch.

Every process runs all of `train` on the same table. Process 0 keeps the run and reports; what the
others write goes to a temporary directory. See https://keras.io/api/distribution/ and
https://docs.jax.dev/en/latest/multi_process.html.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from . import InputError, epochs, runs
from .config import TrainingOptions

ADDRESS, COUNT, NUMBER = (
    f"KERAS_DISTRIBUTION_{what}" for what in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)
# What a run is resumed from.
RUN_FILES = ("config.json", "schema.json", "history.csv", "best.keras", "last.npz")
WAIT = 300  # seconds for all processes to start
# What JAX says where it cannot reach another process, in errors of several types.
LOST = re.compile("Gloo|NCCL|UNAVAILABLE|DEADLINE_EXCEEDED|ABORTED|CANCELLED")
RESTART = "see what it said, and start all again, with --resume RUN if the run has begun"
# Paths may differ between hosts.
MAY_DIFFER = {"data", "run", "resume"}


class DataParallel(keras.distribution.DataParallel):
    """Keras's own, with batches of any size, and the same whole batch in every process.

    A batch that comes whole to every device is divided where its rows are encoded: XLA then gives
    each device its part of all that comes before and after.
    """

    def get_data_layout(self, data_shape: tuple[int, ...]) -> keras.distribution.TensorLayout:
        """Divide the rows of an array among the devices, where that is possible."""
        if jax.process_count() == 1 and data_shape[0] % jax.device_count() == 0:
            return super().get_data_layout(data_shape)
        return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> keras.distribution.TensorLayout | None:
        """Divide the rows of what the trunk returns."""
        if not path.endswith("trunk/output"):
            return None
        return keras.distribution.TensorLayout([self.batch_dim_name], self.device_mesh)


@contextlib.contextmanager
def devices(options: TrainingOptions) -> Iterator[TrainingOptions]:
    """Train on all devices in the `with` block; of several processes, only the first leaves it.

    Yields:
        The options of this process.

    Raises:
        InputError: The environment does not name other processes as it should.
    """
    if not meet():
        with distributed():
            yield options
        return
    code = 2
    try:
        with distributed(), contextlib.ExitStack() as stack:
            mine = options
            if jax.process_index() > 0:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                mine = elsewhere(options, folder / "run")
                nowhere = stack.enter_context(open(os.devnull, "w"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
            check_alike(options)
            yield mine
        multihost_utils.sync_global_devices("trained")  # from here on, a process may end
        code = 0
    except Exception as error:
        if LOST.search(str(error)):
            error = InputError(f"another process of this training has ended; {RESTART}")
        elif not isinstance(error, InputError | OSError):
            traceback.print_exc()
        print("error:", " ".join(str(error).split()), file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if code or jax.process_index() > 0:
            os._exit(code)  # as JAX ends, it waits for the others, and aborts where one is lost


@contextlib.contextmanager
def distributed() -> Iterator[None]:
    """Put the models that are built in the `with` block on all devices."""
    epochs.MULTIPLE = jax.device_count()
    if jax.device_count() > 1:
        keras.distribution.set_distribution(DataParallel(auto_shard_dataset=False))
    try:
        yield
    finally:
        keras.distribution.set_distribution(None)
        epochs.MULTIPLE = 1


def meet() -> bool:
    """Find the other processes, if the environment names any. Raises InputError."""
    address, count, number = (os.environ.get(name, "") for name in (ADDRESS, COUNT, NUMBER))
    if not any((address, count, number)):
        return False
    port = address.rpartition(":")[2]
    if not re.fullmatch(r"[^,:]+:\d{1,5}", address) or int(port) > 65535:
        raise InputError(f"{ADDRESS} is '{address}'; give host:port of process 0")
    if not count.isdecimal() or not number.isdecimal() or int(number) >= int(count):
        raise InputError(
            f"{NUMBER} is '{number}' and {COUNT} is '{count}'; give the number of processes, and "
            "to each process one of 0, 1, ... below it"
        )
    print(f"Process {number} of {count} waits for the others at {address}.", flush=True)
    try:
        if number == "0":  # where the port is taken, JAX may crash
            socket.create_server(("", int(port))).close()
        jax.config.update("jax_enable_recoverability", True)  # an error, where JAX would abort
        timer = threading.Timer(WAIT, give_up)
        timer.daemon = True
        timer.start()
        jax.distributed.initialize(
            address,
            int(count),
            int(number),
            initialization_timeout=2 * WAIT,  # JAX would abort
            heartbeat_timeout_seconds=30,
        )
        timer.cancel()
    except (OSError, RuntimeError) as error:
        raise InputError(f"{ADDRESS} is '{address}': {error}; give a free port") from None
    return int(count) > 1


def give_up() -> None:
    """End this process, which waits for others, with one line."""
    print(f"error: not all processes came; start {COUNT} within {WAIT} s", file=sys.stderr)
    os._exit(2)


def elsewhere(options: TrainingOptions, run: Path) -> TrainingOptions:
    """Move a training to another directory, with what there is to resume."""
    if not options.resume:
        return replace(options, run=run)
    # The files of runs.py: what else is there, such as a tracker's, belongs to process 0.
    others = {path.name for path in options.resume.iterdir()} - {*RUN_FILES}
    shutil.copytree(options.resume, run, ignore=lambda *_: others)
    return replace(options, run=run, resume=run)


def check_alike(options: TrainingOptions) -> None:
    """Raise InputError, in every process, unless all have the same table and settings."""
    given = {k: v for k, v in runs.settings(options).items() if k not in MAY_DIFFER}
    table = options.data.read_bytes() if options.data else b""
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode() + table).digest()
    found = multihost_utils.process_allgather(np.frombuffer(digest, "uint8"))
    for number, other in enumerate(found.reshape(-1, len(digest))):
        if other.tobytes() != found.reshape(-1, len(digest))[0].tobytes():
            raise InputError(
                f"process {number} has another table or other settings than process 0; start all "
                "with the same --data and options"
            )
