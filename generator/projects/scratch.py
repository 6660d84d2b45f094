"""Temporary folders that are removed at the end, however the process ends."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Waits for a line. Without one, the process was killed; others may still write for a moment.
JANITOR = """
import shutil, sys, time
if not sys.stdin.readline():
    for _ in range(5):
        shutil.rmtree(sys.argv[1], ignore_errors=True)
        time.sleep(1)
"""


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Make a temporary folder, and remove it at the end, also if this process is killed."""
    with (
        tempfile.TemporaryDirectory(prefix=prefix) as folder,
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", JANITOR, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # no signal to our group reaches it
        ) as janitor,
    ):
        try:
            yield Path(folder)
        finally:
            janitor.communicate(b"\n")
