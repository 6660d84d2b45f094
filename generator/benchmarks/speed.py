"""Compare the training speed of the default project with plain Keras, by kind of input.

All train in one process, in turn, on the same rows with the same batch size. An epoch includes its
validation and the project's callbacks (history, best model). `first epoch` is the project's from
the call of `fit` to its end, with all that is compiled. `one output` is the same trunk with a
single `Dense`, one loss and no metrics, trained by `fit`. `matrix products` are those of the
training rows alone.
"""

import contextlib
import importlib
import io
import itertools
import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from generator.benchmarks.measuring import (
    BACKENDS,
    Work,
    draw_ratios,
    matrix_products,
    ratios,
    spread,
)
from generator.benchmarks.recording import add_part
from generator.projects import render

ROWS = (("tabular", 600), ("tabular", 20_000), ("sequence", 600), ("image", 600), ("text", 600))
NETWORKS = ("project", "first epoch", "one output", "matrix products")
BASES = dict.fromkeys(NETWORKS, "plain Keras") | {"first epoch": "plain Keras's first epoch"}

# Seconds of an epoch in each round, by backend, kind with rows, and network.
Seconds = dict[str, dict[str, dict[str, list[float]]]]


def add_command(benches: Any) -> None:
    """Define `bench speed`."""
    add_part(
        benches, "speed", "training speed beside plain Keras, by kind of input", (bench_speed, draw)
    )


def bench_speed(rounds: int) -> Seconds:
    """Print ratios by backend, kind of input and size, each from a process of its own."""
    print("epochs per second relative to plain Keras (median, minimum, maximum of the rounds)\n")
    print(" " * 33 + "".join(f"{network:>22}" for network in NETWORKS))
    seconds: Seconds = {backend: {} for backend in BACKENDS}
    with tempfile.TemporaryDirectory() as folder, render.snapshot() as template:
        work = Work(template, Path(folder))
        for backend in BACKENDS:
            for kind, rows in ROWS:
                package = f"{kind}_{rows}_{backend}"
                project = work.project(package, {"input_kind": kind, "backend": backend})
                found = work.run(backend, [project], __name__, "measure", package, rows, rounds)
                seconds[backend][f"{kind}, {rows} rows"] = found
                cells = "".join(f"{spread(values):>22}" for values in over_plain(found).values())
                print(f"{backend:10}  {kind:8}  {rows:6} rows{cells}", flush=True)
    print()
    return seconds


def over_plain(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    """Return how many times as fast as plain Keras each network is, by round."""
    return {name: ratios(seconds[BASES[name]], seconds[name]) for name in NETWORKS}


def draw(path: Path, seconds: Seconds) -> None:
    """Draw the same."""
    panels = {}
    for backend, found in seconds.items():
        by_kind = {kind: over_plain(networks) for kind, networks in found.items()}
        panels[backend] = {
            f"{kind}: {name}": by_kind[kind][name] for kind in by_kind for name in NETWORKS
        }
    draw_ratios(path, "epochs per second relative to plain Keras", panels)


def measure(package: str, rows: str, rounds: str) -> dict[str, list[float]]:
    """Train all in turn; return seconds of an epoch by network and round."""
    import keras
    import numpy as np

    from generator.benchmarks import plain_keras

    config, data, sample, train = (
        importlib.import_module(f"{package}.{module}")
        for module in ("config", "data", "sample", "train")
    )

    class Clock(keras.callbacks.Callback):
        """Measure seconds of the first epoch, which compiles, and of the others."""

        def start(self) -> "Clock":
            self.ends = [time.perf_counter()]
            return self

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            self.ends.append(time.perf_counter())

        def seconds(self) -> float:
            return statistics.median(b - a for a, b in itertools.pairwise(self.ends[1:]))

        def first(self) -> float:
            return self.ends[1] - self.ends[0]

    epochs = 12 if int(rows) < 5000 else 5
    seconds: dict[str, list[float]] = {name: [] for name in (*NETWORKS, *BASES.values())}
    fit = keras.Model.fit
    with tempfile.TemporaryDirectory() as folder:
        table = sample.write_sample(Path(folder), int(rows))
        splits = data.load(table, seed=0)
        number_task = splits.schema.tasks[0]
        [(kind, inputs)] = splits.train.inputs.items()
        [held_out] = splits.validation.inputs.values()
        plain = plain_keras.build(kind, inputs, number_task.mean, number_task.scale)
        plain = plain_keras.compiled(plain, number_task.scale)
        bound = plain_keras.bound(kind, inputs, 5)
        layers = products(kind, inputs.shape[1:])
        for number in range(int(rounds)):
            ours, theirs, least = Clock(), Clock(), Clock()

            def timed(model: Any, *args: Any, clock: Clock = ours, **more: Any) -> object:
                more |= {"callbacks": [*more["callbacks"], clock.start()], "verbose": 0}
                return fit(model, *args, **more)

            keras.Model.fit = timed
            options = config.TrainingOptions(
                data=table, run=Path(folder, f"run-{number}"), epochs=epochs, patience=epochs
            )
            with contextlib.redirect_stdout(io.StringIO()):
                train.train(options)
            keras.Model.fit = fit
            plain.fit(
                inputs,
                splits.train.labels,
                sample_weight=splits.train.weights,
                validation_data=(held_out, *splits.validation.as_tuple()[1:]),
                epochs=epochs,
                callbacks=[theirs.start()],
                verbose=0,
            )
            bound.fit(
                inputs,
                np.zeros((len(inputs), 5), "float32"),
                validation_data=(held_out, np.zeros((len(held_out), 5), "float32")),
                epochs=epochs,
                callbacks=[least.start()],
                verbose=0,
            )
            start = time.perf_counter()
            matrix_products(layers, len(inputs), 32, epochs)
            seconds["matrix products"].append((time.perf_counter() - start) / epochs)
            for name, clock in (("project", ours), ("plain Keras", theirs), ("one output", least)):
                seconds[name].append(clock.seconds())
            if not number:  # plain Keras compiles once
                seconds["first epoch"] = [ours.first()]
                seconds[BASES["first epoch"]] = [theirs.first()]
    return seconds


def products(kind: str, shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return how often each layer is applied to an example, its inputs and its outputs."""
    heads = [(1, 32, 16)] * 3 + [(1, 16, units) for units in (1, 1, 3)]
    if kind == "features":
        return [(1, shape[0], 64), (1, 64, 32), *heads]
    if kind == "image":
        sizes = [math.ceil(shape[0] / n) * math.ceil(shape[1] / n) for n in (2, 4)]
        return [(sizes[0], 9 * shape[2], 64), (sizes[1], 9 * 64, 32), *heads]
    width = 16 if kind == "text" else shape[1]  # of an LSTM with four gates
    return [(shape[0], width + 64, 4 * 64), (1, 64, 32), *heads]
