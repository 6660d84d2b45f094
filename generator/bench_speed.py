"""Training speed of the default project beside the same network in plain Keras.

Both train in one process, in turn, on the same rows with the same batch size; the figure is
seconds of an epoch with its validation, and of the project's callbacks (history, best model).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generator import render
from generator.measuring import BACKENDS, environment

ROWS = (600, 20_000)


def benchmark(rounds: int) -> None:
    """Print the ratio for each backend and size, each measured in a process of its own."""
    print("epochs a second, default project : plain Keras (median, least and most of the rounds)")
    with tempfile.TemporaryDirectory() as folder, render.snapshot() as template:
        project = Path(folder, "project")
        render.render(template, {"package": "measured"}, project)
        for backend in BACKENDS:
            for rows in ROWS:
                command = [sys.executable, "-m", "generator.bench_speed", str(rows), str(rounds)]
                importable = environment(backend, [project])
                subprocess.run(command, env=importable, check=True, stderr=subprocess.DEVNULL)


def measure(rows: int, rounds: int) -> None:
    """Train both in turn; print one line."""
    import keras
    from measured import arguments, data, train  # type: ignore[import-not-found]
    from measured.sample import write_sample  # type: ignore[import-not-found]

    from generator import plain_keras

    class Clock(keras.callbacks.Callback):
        """Seconds between the ends of epochs; the first one, which compiles, is left out."""

        def __init__(self) -> None:
            super().__init__()
            self.ends: list[float] = []

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            self.ends.append(time.perf_counter())

        def seconds(self) -> float:
            return statistics.median(b - a for a, b in zip(self.ends, self.ends[1:], strict=False))

    epochs = 12 if rows < 5000 else 5
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        table = write_sample(Path(folder), rows)
        splits = data.load(table, seed=0)
        target = splits.schema.targets["task_1"]
        inputs = splits.train.inputs["features"]
        plain = plain_keras.build(inputs, target.prior[0], target.std)
        plain = plain_keras.compiled(plain, target.std)
        fit = keras.Model.fit
        for number in range(rounds):
            ours, theirs = Clock(), Clock()

            def timed(
                model: keras.Model, *args: object, clock: Clock = ours, **more: object
            ) -> object:
                more |= {"callbacks": [*more["callbacks"], clock], "verbose": 0}  # type: ignore[misc]
                return fit(model, *args, **more)

            keras.Model.fit = timed
            run = Path(folder, f"run-{number}")
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            train.train(arguments.Training(table, run, epochs=epochs, patience=epochs))
            sys.stdout = sys.__stdout__
            keras.Model.fit = fit
            plain.fit(
                inputs,
                splits.train.labels,
                sample_weight=splits.train.weights,
                validation_data=(
                    splits.validation.inputs["features"],
                    *splits.validation.as_tuple()[1:],
                ),
                epochs=epochs,
                callbacks=[theirs],
                verbose=0,
            )
            ratios.append(theirs.seconds() / ours.seconds())
    low, high = min(ratios), max(ratios)
    middle = statistics.median(ratios)
    print(f"{keras.backend.backend():10}  {rows:6} rows  {middle:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    measure(int(sys.argv[1]), int(sys.argv[2]))
