"""Render projects for benchmarks, and measure them in processes of their own."""

import contextlib
import functools
import importlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.choices.questions import Answers
from generator.projects import render

BACKENDS = ("tensorflow", "jax")
KINDS = ("regression", "binary", "multiclass(3)")
MEASURING = (sys.executable, "-m", "generator.benchmarks.measuring")
# Trains for a number of epochs, and calls a function at the end of each.
Fit = Callable[[int, Callable[..., object]], object]
STAY = "-"  # instead of a file for the result


def environment(backend: str, projects: Iterable[Path]) -> dict[str, str]:
    """Return the environment of a process on a backend that can import these projects."""
    path = os.pathsep.join([*(str(project / "src") for project in projects), str(Path.cwd())])
    ours = {"KERAS_BACKEND": backend, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, **ours}


@dataclass(frozen=True)
class Work:
    """A template, and a folder for its projects."""

    template: Path
    scratch: Path

    def project(self, package: str, answers: Answers) -> Path:
        """Render a project."""
        folder = self.scratch / package
        render.render(self.template, answers | {"package": package}, folder)
        return folder

    def run(
        self, backend: str, projects: Sequence[Path], module: str, function: str, *arguments: object
    ) -> Any:
        """Call a function of a module of ours in a process that can import the projects."""
        result = self.scratch / f"result-{time.monotonic_ns()}.json"
        done = subprocess.run(
            [*MEASURING, str(result), module, function, *map(str, arguments)],
            env=environment(backend, projects),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            reason = done.stderr[-2000:] or "it was killed"
            raise render.RenderError(f"a measurement ended with {done.returncode}:\n{reason}")
        return json.loads(result.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def alive(
        self, backend: str, projects: Sequence[Path], module: str, function: str, *arguments: object
    ) -> Iterator[dict[str, Callable[[], float]]]:
        """Start a process that waits for calls.

        In it, a function of ours returns a dictionary of functions that return a number.

        Yields:
            Functions by name that call those in the process.
        """
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
            subprocess.Popen(
                [*MEASURING, STAY, module, function, *map(str, arguments)],
                env=environment(backend, projects),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process,
        ):
            assert process.stdin and process.stdout
            to, back = process.stdin, process.stdout

            def answer() -> Any:
                line = back.readline()
                if not line:
                    errors.seek(0)
                    reason = errors.read()[-2000:] or "it was killed"
                    raise render.RenderError(f"a measurement ended:\n{reason}")
                return json.loads(line)

            def ask(name: str) -> float:
                print(name, file=to, flush=True)
                return float(answer())

            yield {name: functools.partial(ask, name) for name in answer()}


def print_step_times(
    work: Work, backends: Sequence[str], sizes: Sequence[int], choices: Mapping[str, Answers]
) -> None:
    """Print a row per choice: its training step relative to the first, by backend and tasks."""
    width = 1 + max(map(len, choices))
    print(" " * width + "".join(f"{b:>14} {n:>2}" for b in backends for n in sizes))
    ratios = [step_times(work, b, n, choices) for b in backends for n in sizes]
    for choice in choices:
        print(f"{choice:{width}}" + "".join(f"{by_choice[choice]:17.2f}" for by_choice in ratios))


def step_times(
    work: Work, backend: str, tasks: int, choices: Mapping[str, Answers]
) -> dict[str, float]:
    """Return the time of a training step of each choice, relative to the first choice."""
    names = ", ".join(f"t{i}:{KINDS[i % 3]}" for i in range(tasks))
    packages = [f"{choice}_{tasks}_{backend}" for choice in choices]
    projects = []
    for package, answers in zip(packages, choices.values(), strict=True):
        common = {"tasks": names, "num_tasks": tasks, "backend": backend}
        projects.append(work.project(package, common | answers))
    times = work.run(backend, projects, __name__, "time_steps", *packages)
    return dict(zip(choices, (t / times[0] for t in times), strict=True))


def time_steps(*packages: str) -> list[float]:
    """Return the seconds of some epochs of each package's model."""
    import keras

    keras.utils.set_random_seed(0)
    fits = []
    with tempfile.TemporaryDirectory() as folder:
        sample = importlib.import_module(f"{packages[0]}.sample")
        table = sample.write_sample(Path(folder), 3200)
        for package in packages:
            splits = importlib.import_module(f"{package}.data").load(table, seed=0)
            model = importlib.import_module(f"{package}.model").build_model(splits.schema)
            fits.append(project_fit(package, model, splits.train, splits.validation))
    return epoch_times(fits)


def project_fit(
    package: str, network: Any, rows: Any, held_out: Any, size: int = 32, tasks: Any = None
) -> Fit:
    """Return a function that trains a network as its package's `train` does, on its own tasks."""
    from keras import callbacks

    config, epochs, kinds, train = (
        importlib.import_module(f"{package}.{name}")
        for name in ("config", "epochs", "kinds", "train")
    )
    pieces = epochs.Pieces(rows, network, size, 0)
    rate = config.TrainingOptions().learning_rate
    model = train.compile_model(network, tasks or kinds.TASKS, rate)

    def fit(count: int, ended: Callable[..., object]) -> None:
        clock = callbacks.LambdaCallback(on_epoch_begin=pieces.begin, on_epoch_end=ended)
        epochs.fit(model, pieces, held_out, callbacks=[clock], epochs=count, verbose=0)

    return fit


def epoch_times(fits: Sequence[Fit], rounds: int = 7) -> list[float]:
    """Return the median seconds of an epoch of each, all trained in turn."""
    times: list[list[float]] = [[] for _ in fits]
    for _ in range(rounds + 1):  # the first one warms up
        for fit, seconds in zip(fits, times, strict=True):
            seconds.append(epoch_seconds(fit))
    return [statistics.median(seconds[1:]) for seconds in times]


def epoch_seconds(fit: Fit) -> float:
    """Return the seconds of an epoch: the median of four, between their ends."""
    ends: list[float] = []
    fit(5, lambda *_: ends.append(time.perf_counter()))
    return statistics.median(end - start for start, end in itertools.pairwise(ends))


def matrix_products(
    layers: Sequence[tuple[int, int, int]], rows: int, batch: int, epochs: int
) -> None:
    """Compute the matrix products of training with NumPy: no framework can avoid them.

    Args:
        layers: how often each layer is applied to an example, its inputs and its outputs.
        rows: number of training rows.
        batch: rows of a batch.
        epochs: number of passes over the rows.
    """
    import numpy as np

    arrays = [
        [np.ones(shape, "float32") for shape in ((batch * n, a), (a, b), (batch * n, b))]
        for n, a, b in layers
    ]
    for start in [*range(0, rows, batch)] * epochs:
        share = min(batch, rows - start)
        for number, ((times, _, _), (x, kernel, error)) in enumerate(
            zip(layers, arrays, strict=True)
        ):
            x, error = x[: share * times], error[: share * times]
            x @ kernel
            x.T @ error
            if number:  # the input of the first layer needs no gradient
                error @ kernel.T


def ratios(base: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """Return how many times as fast as the base each round is."""
    return [a / b for a, b in zip(base, seconds, strict=True)]


def spread(values: Sequence[float]) -> str:
    """Format median, minimum and maximum."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}, {max(values):.2f})"


def draw_ratios(path: Path, title: str, panels: Mapping[str, Mapping[str, list[float]]]) -> None:
    """Draw the median as a point on a line from minimum to maximum, in a panel per group."""
    from matplotlib.figure import Figure

    height = 1.2 + 0.25 * max(map(len, panels.values()))
    figure = Figure(figsize=(3.5 + 3 * len(panels), height), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for panel, (name, rows) in zip(axes, panels.items(), strict=True):
        for place, values in enumerate(rows.values()):
            panel.plot([min(values), max(values)], [place, place], color="C0")
            panel.plot(statistics.median(values), place, "o", color="C0")
        panel.axvline(1, color="gray", linewidth=0.8)
        panel.set(title=name, xscale="log", xlabel=title)
        panel.set_yticks(range(len(rows)), list(rows))
    axes[0].invert_yaxis()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    result, module, function, *arguments = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # other output must not mix with answers
    found = getattr(importlib.import_module(module), function)(*arguments)
    if result == STAY:
        print(json.dumps(list(found)), file=answers, flush=True)
        for name in sys.stdin:
            print(json.dumps(found[name.rstrip("\n")]()), file=answers, flush=True)
    else:
        Path(result).write_text(json.dumps(found), encoding="utf-8")
