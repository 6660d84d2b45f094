"""Compare training throughput by number of tasks.

The dense network 64 → 128 → 64 → tasks, all regressions, batches of 256. For each number of tasks
all networks train in one process, in turn, on the same rows. Figures are ratios to `one output`: a
single `Dense(tasks)` with one loss and no metrics, trained by `fit`. `matrix products` are those of
a training step alone, which no framework can avoid.
"""

import importlib
import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from generator.benchmarks.measuring import (
    BACKENDS,
    Fit,
    Work,
    epoch_seconds,
    matrix_products,
    project_fit,
    ratios,
    spread,
)
from generator.benchmarks.recording import add_part
from generator.choices.questions import Answers
from generator.projects import render

ROWS, FEATURES, BATCH = 16_384, 64, 256
TASKS = (2, 8, 32, 128)
NETWORKS = ("stacked", "stacked, no metrics", "separate", "plain Keras")
LIMITS = ("one output", "matrix products")

# Seconds of an epoch in each round, by backend, number of tasks and network.
Seconds = dict[str, dict[int, dict[str, list[float]]]]


def add_command(benches: Any) -> None:
    """Define `bench tasks`."""
    add_part(benches, "tasks", "training speed by number of tasks", (bench_tasks, draw))


def bench_tasks(rounds: int) -> Seconds:
    """Print a row per network, and how its cost grows from the fewest to the most tasks."""
    seconds: Seconds = {}
    print("training throughput relative to one output (median, minimum, maximum of the rounds)\n")
    with TemporaryDirectory() as scratch, render.snapshot() as template:
        work = Work(template, Path(scratch))
        for backend in BACKENDS:
            found = {number: measure_in_process(work, backend, number, rounds) for number in TASKS}
            seconds[backend] = found
            print(f"{backend:22}" + "".join(f"{number:>14} tasks" for number in TASKS))
            for network in (*NETWORKS, LIMITS[1]):
                both = ((found[number]["one output"], found[number][network]) for number in TASKS)
                cells = [spread(ratios(base, ours)) for base, ours in both]
                print(f"{network:22}" + "".join(f"{cell:>20}" for cell in cells))
            for network in ("one output", *NETWORKS[:2]):
                first, last = (statistics.median(found[n][network]) for n in (TASKS[0], TASKS[-1]))
                growth = (
                    f"{last / first:.2f} times the time with {TASKS[-1]} tasks as with {TASKS[0]}"
                )
                print(f"{network:22}{growth:>20}")
            print(flush=True)
    return seconds


def draw(path: Path, seconds: Seconds) -> None:
    """Draw rows per second by number of tasks: a panel per backend, a line per network."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(seconds), 3.5), layout="constrained")
    panels = figure.subplots(1, len(seconds), squeeze=False, sharey=True)[0]
    for panel, (backend, found) in zip(panels, seconds.items(), strict=True):
        for network in (*NETWORKS, *LIMITS):
            speeds = [ROWS / statistics.median(one[network]) for one in found.values()]
            style = ":" if network in LIMITS else "-"
            panel.plot(list(found), speeds, style, marker=".", label=network)
        panel.set(title=backend, xlabel="tasks", xscale="log", yscale="log")
        panel.set_xticks(list(found), list(map(str, found)))
    panels[0].set_ylabel("rows per second")
    panels[-1].legend(fontsize="small")
    figure.savefig(path, dpi=150)


def measure_in_process(work: Work, backend: str, tasks: int, rounds: int) -> dict[str, list[float]]:
    """Return seconds of an epoch by network and round, from a process of its own."""
    projects = [
        work.project(f"{heads}_{tasks}_{backend}", answers(tasks, heads, backend))
        for heads in ("stacked", "separate")
    ]
    packages = [project.name for project in projects]
    return dict(work.run(backend, projects, __name__, "measure", tasks, rounds, ROWS, *packages))


def answers(tasks: int, heads: str, backend: str) -> Answers:
    """Return the answers of a project with a number of regressions."""
    return {
        "tasks": ", ".join(f"t{i}:regression" for i in range(tasks)),
        "num_tasks": tasks,
        "trunk_units": "128, 64",
        "head_units": "",
        "heads": heads,
        "backend": backend,
    }


def table(rows: int, tasks: int) -> tuple[Any, Any]:
    """Make features (rows, FEATURES), and labels (rows, tasks) that are linear in them."""
    import numpy as np

    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, FEATURES)).astype("float32")
    return features, (features @ rng.normal(size=(FEATURES, tasks))).astype("float32")


def by_name(labels: Any) -> dict[str, Any]:
    """Return a column (rows, 1) per task."""
    return {f"t{i}": labels[:, i : i + 1] for i in range(labels.shape[1])}


def measure(
    tasks: str, rounds: str, rows: str, stacked: str, separate: str
) -> dict[str, list[float]]:
    """Train all networks in turn; the first round warms up and is dropped."""
    import keras
    from keras import callbacks

    from generator.benchmarks import plain_keras

    def fit_one(epochs: int, ended: Callable[..., object]) -> None:
        one.fit(features, labels, BATCH, epochs, 0, [callbacks.LambdaCallback(on_epoch_end=ended)])

    def fit_by_hand(epochs: int, ended: Callable[..., object]) -> None:
        clock = callbacks.LambdaCallback(on_epoch_end=ended)
        by_hand.fit(features, named, BATCH, epochs, 0, [clock])

    def multiply(epochs: int, ended: Callable[..., object]) -> None:
        for _ in range(epochs):
            matrix_products(layers, int(rows), BATCH, 1)
            ended()

    keras.utils.set_random_seed(0)
    features, labels = table(int(rows), int(tasks))
    named = by_name(labels)
    by_hand = plain_keras.many_heads(features, int(tasks))
    one = plain_keras.one_output(features, int(tasks))
    layers = ((1, FEATURES, 128), (1, 128, 64), (1, 64, int(tasks)))
    fits: dict[str, Fit] = {
        "one output": fit_one,
        "stacked": linear_fit(stacked, features, named, True),
        "stacked, no metrics": linear_fit(stacked, features, named, False),
        "separate": linear_fit(separate, features, named, True),
        "plain Keras": fit_by_hand,
        "matrix products": multiply,
    }
    seconds: dict[str, list[float]] = {name: [] for name in fits}
    for number in range(int(rounds) + 1):
        for name, fit in fits.items():
            took = epoch_seconds(fit)
            if number:
                seconds[name].append(took)
    return seconds


def linear_fit(package: str, features: Any, named: dict[str, Any], measured: bool) -> Fit:
    """Return a function that trains a package's model as `train` does, without validation."""
    import numpy as np

    data, inputs, kinds, model = (
        importlib.import_module(f"{package}.{module}")
        for module in ("data", "inputs", "kinds", "model")
    )
    columns = tuple(inputs.Column(f"x{i}") for i in range(FEATURES))
    known = tuple(replace(task, scale=math.sqrt(FEATURES)) for task in kinds.TASKS)
    network = model.build_model(data.Schema(inputs.InputSchema(columns), known))
    weights = {name: np.ones(len(features), "float32") for name in named}
    rows = data.Examples({"features": features}, named, weights)
    if not measured:
        kinds.Regression.row_metrics = {}
    return project_fit(package, network, rows, rows.take(np.arange(8)), BATCH, known)
