"""Training speed of the default project, for each kind of input, beside the same in plain Keras.

Both train in one process, in turn, on the same rows with the same batch size; the figure is
seconds of an epoch with its validation, and of the project's callbacks (history, best model).
"""

import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from generator import render
from generator.measuring import BACKENDS, Work

ROWS = (("tabular", 600), ("tabular", 20_000), ("sequence", 600), ("image", 600), ("text", 600))


def benchmark(rounds: int) -> None:
    """Print the ratio for each backend, kind of input and size, each from a process of its own."""
    print("epochs a second, default project : plain Keras (median, least and most of the rounds)")
    with tempfile.TemporaryDirectory() as folder, render.snapshot() as template:
        work = Work(template, Path(folder))
        for backend in BACKENDS:
            for kind, rows in ROWS:
                package = f"{kind}_{rows}_{backend}"
                project = work.project(package, {"input_kind": kind, "backend": backend})
                ratios = work.run(backend, [project], __name__, "measure", package, rows, rounds)
                spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                print(f"{backend:10}  {kind:8}  {rows:6} rows  {spread}", flush=True)


def measure(package: str, rows: str, rounds: str) -> list[float]:
    """Train both in turn: how many epochs of the project pass in one of plain Keras, by round."""
    import importlib

    import keras

    from generator import plain_keras

    arguments, data, sample, train = (
        importlib.import_module(f"{package}.{module}")
        for module in ("arguments", "data", "sample", "train")
    )

    class Clock(keras.callbacks.Callback):
        """Seconds between the ends of epochs; the first one, which compiles, is left out."""

        def __init__(self) -> None:
            super().__init__()
            self.ends: list[float] = []

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            self.ends.append(time.perf_counter())

        def seconds(self) -> float:
            return statistics.median(b - a for a, b in zip(self.ends, self.ends[1:], strict=False))

    epochs, ratios = 12 if int(rows) < 5000 else 5, []
    fit = keras.Model.fit
    with tempfile.TemporaryDirectory() as folder:
        table = sample.write_sample(Path(folder), int(rows))
        splits = data.load(table, seed=0)
        target = splits.schema.targets["task_1"]
        [(kind, inputs)] = splits.train.inputs.items()
        [held_out] = splits.validation.inputs.values()
        plain = plain_keras.build(kind, inputs, target.prior[0], target.std)
        plain = plain_keras.compiled(plain, target.std)
        for number in range(int(rounds)):
            ours, theirs = Clock(), Clock()

            def timed(model: Any, *args: Any, clock: Clock = ours, **more: Any) -> object:
                more |= {"callbacks": [*more["callbacks"], clock], "verbose": 0}
                return fit(model, *args, **more)

            keras.Model.fit = timed
            settings = {"epochs": epochs, "patience": epochs}
            with contextlib.redirect_stdout(io.StringIO()):
                train.train(arguments.Training(table, Path(folder, f"run-{number}"), **settings))
            keras.Model.fit = fit
            plain.fit(
                inputs,
                splits.train.labels,
                sample_weight=splits.train.weights,
                validation_data=(held_out, *splits.validation.as_tuple()[1:]),
                epochs=epochs,
                callbacks=[theirs],
                verbose=0,
            )
            ratios.append(theirs.seconds() / ours.seconds())
    return ratios
