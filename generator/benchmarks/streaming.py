"""Compare training from row groups of Parquet with training in memory.

The default project trains on one table with and without `row_groups`, in one process, in turn;
the figure is the ratio of their rows per second. Peak memory is that of `train` in a process of its
own: on tables of two sizes by row groups, and on the larger one in memory.
"""

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from generator.benchmarks.measuring import BACKENDS, Work, environment, epoch_seconds, project_fit
from generator.commands import positive
from generator.projects import render

ROWS = 1_000_000
SIZES = (100_000, 2_000_000)
BATCH = 256
EXTRAS: dict[str, list[str]] = {"memory": [], "row_groups": ["row_groups"]}


def add_command(benches: Any) -> None:
    """Define `bench streaming`."""
    parser = benches.add_parser("streaming", help="training from row groups, beside in memory")
    parser.add_argument("--rounds", type=positive, default=5, help="trainings of each (default: 5)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    bench_streaming(arguments.rounds)
    return 0


def bench_streaming(rounds: int) -> None:
    """Print a line per backend."""
    print(f"the default project, batches of {BATCH}: read by row groups relative to read whole")
    print(f"{'backend':12}{'rows per second, ratio of rounds':38}{'peak memory of train, MiB':>26}")
    with tempfile.TemporaryDirectory() as folder, render.snapshot() as template:
        scratch = Path(folder)
        work = Work(template, scratch)
        for rows in {ROWS, *SIZES}:
            write_table(scratch / f"{rows}.parquet", rows)
        for backend in BACKENDS:
            names = [f"{kind}_{backend}" for kind in EXTRAS]
            projects = [
                work.project(
                    n, {"extras": EXTRAS[n.removesuffix(f"_{backend}")], "backend": backend}
                )
                for n in names
            ]
            table = scratch / f"{ROWS}.parquet"
            ratios = work.run(backend, projects, __name__, "measure", table, rounds, *names)
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            importable = environment(backend, projects)
            small, large = (scratch / f"{rows}.parquet" for rows in SIZES)
            tables = ((names[1], small), (names[1], large), (names[0], large))
            peaks = [
                peak(package, table, scratch / f"{package}-{table.stem}", importable)
                for package, table in tables
            ]
            sizes = "{:,.0f} and {:,.0f}; whole: {:,.0f}".format(*peaks)
            print(f"{backend:12}{spread:38}{sizes:>26}", flush=True)
    print(f"memory: of {SIZES[0]:,} and {SIZES[1]:,} rows by row groups; of the latter read whole")


def write_table(path: Path, rows: int) -> None:
    """Write features of the default project, and labels of its tasks that depend on them."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 5, (rows, 8)).round(3)
    table = pd.DataFrame(values, columns=[f"x{i}" for i in range(1, 9)])
    score = values.sum(axis=1) + rng.normal(0, 1, rows)
    table["task_1"] = score
    table["task_2"] = np.where(score > 20, "yes", "no")
    table["task_3"] = np.array(["low", "middle", "high"])[np.digitize(score, [18, 22])]
    table.loc[rng.random(rows) < 0.1, "task_1"] = None
    table.to_parquet(path, index=False, row_group_size=10_000)


def measure(table: str, rounds: str, *packages: str) -> list[float]:
    """Train both in turn; return the speed of row groups relative to memory, by round."""
    import keras

    fits = []
    for package, module in zip(packages, ("data", "streaming"), strict=True):
        model = importlib.import_module(f"{package}.model")
        splits = importlib.import_module(f"{package}.{module}").load(Path(table), seed=0)
        keras.utils.set_random_seed(0)
        network = model.build_model(splits.schema)
        fit = project_fit(package, network, splits.train, splits.validation, BATCH)
        fits.append((fit, len(splits.train)))
    ratios = []
    for number in range(int(rounds) + 1):  # the first one warms up
        speeds = []
        for fit, rows in fits:
            speeds.append(rows / epoch_seconds(fit))
        if number:
            ratios.append(speeds[1] / speeds[0])
    return ratios


def peak(package: str, table: Path, run: Path, importable: Mapping[str, str]) -> float:
    """Train two epochs; return the peak memory in MiB."""
    given = ["--data", str(table), "--run", str(run), "--epochs", "2", "--batch-size", str(BATCH)]
    words = [sys.executable, "-m", package, "train", *given]
    with subprocess.Popen(words, env=dict(importable), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return usage.ru_maxrss / 1024
