"""Measure rows per second and peak memory of a project's `predict`.

A process of its own reads, predicts and writes each table. Its memory should not grow with the
table. Rows per second are computed from the difference of two sizes, which excludes the start.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from generator.benchmarks.measuring import BACKENDS, environment
from generator.projects import render

ROWS = (100_000, 1_000_000)
PACKAGE = "predicted"


def add_command(benches: Any) -> None:
    """Define `bench predict`."""
    parser = benches.add_parser("predict", help="rows per second and peak memory of `predict`")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    bench_predict()
    return 0


def bench_predict() -> None:
    """Print a line per backend and format."""
    sizes = " and ".join(f"{rows:,}" for rows in ROWS)
    print(f"python -m {PACKAGE} predict, the default project: {sizes} rows\n")
    print(f"{'backend':11}{'format':9}{'rows per second':>14}{'peak memory, MiB':>30}")
    with tempfile.TemporaryDirectory() as scratch, render.snapshot() as template:
        folder = Path(scratch)
        for backend in BACKENDS:
            project = folder / backend
            render.render(template, {"package": PACKAGE, "backend": backend}, project)
            importable = environment(backend, [project])
            train = ["train", "--run", str(folder / f"{backend}-run"), "--epochs", "2"]
            run_project(train, importable)
            for form in ("csv", "parquet"):
                seconds, memory = [], []
                for rows in ROWS:
                    table, out = folder / f"table.{form}", folder / f"out.{form}"
                    write_table(table, rows)
                    command = ["predict", str(folder / f"{backend}-run"), str(table)]
                    took, peak = run_project([*command, "--out", str(out), "--force"], importable)
                    seconds.append(took)
                    memory.append(peak)
                speed = (ROWS[1] - ROWS[0]) / (seconds[1] - seconds[0])
                peaks = f"{memory[0]:,.0f} and {memory[1]:,.0f}"
                print(f"{backend:11}{form:9}{speed:14,.0f}{peaks:>30}", flush=True)


def write_table(path: Path, rows: int) -> None:
    """Write random features of the default project, and an identifier."""
    values = np.random.default_rng(0).uniform(0, 5, (rows, 8)).round(3)
    table = pd.DataFrame(values, columns=[f"x{i}" for i in range(1, 9)])
    table.insert(0, "id", np.arange(rows))
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False, row_group_size=100_000)


def run_project(command: Sequence[str], importable: Mapping[str, str]) -> tuple[float, float]:
    """Run a command of the project; return its seconds and its peak memory in MiB."""
    start = time.perf_counter()
    words = [sys.executable, "-m", PACKAGE, *command]
    with subprocess.Popen(words, env=dict(importable), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return time.perf_counter() - start, usage.ru_maxrss / 1024
