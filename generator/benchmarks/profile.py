"""Measure where the time of a training epoch goes, with separate and with stacked heads.

The project of `tasks` trains by its own `train`, on its own sample table. A watch counts the time
in the functions named here, without the time in those that they call.
"""

import argparse
import contextlib
import importlib
import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from generator.benchmarks.measuring import BACKENDS, Work
from generator.benchmarks.tasks import FEATURES, answers
from generator.commands import positive
from generator.errors import AnswerError
from generator.projects import render

ROWS, EPOCHS = 20_000, 5
REST = "rest of Python"
PLACES = ("compiled step", "reading batches", "validation", "callbacks", REST)


class Watch:
    """Count seconds by place; while a timed function calls another, only the other counts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(PLACES, 0.0)
        self.places, self.last = [REST], time.perf_counter()

    def lap(self) -> None:
        """Add the time since the last lap to the present place."""
        now = time.perf_counter()
        self.seconds[self.places[-1]] += now - self.last
        self.last = now

    def timed(self, place: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time counts for a place."""

        def call(*args: Any, **more: Any) -> Any:
            self.lap()
            self.places.append(place)
            try:
                return function(*args, **more)
            finally:
                self.lap()
                self.places.pop()

        return call


def add_command(benches: Any) -> None:
    """Define `bench profile`."""
    parser = benches.add_parser("profile", help="where the time of a training epoch goes")
    parser.add_argument(
        "--tasks", type=positive, default=32, help="number of tasks, at least 2 (default: 32)"
    )
    parser.add_argument(
        "--backend", choices=BACKENDS, action="append", help="only this one; may be repeated"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table.

    Raises:
        AnswerError: there are too few tasks.
    """
    if arguments.tasks < 2:
        raise AnswerError("--tasks 1 is too few: give 2 or more, so that heads can be stacked")
    bench_profile(arguments.tasks, arguments.backend or BACKENDS)
    return 0


def bench_profile(tasks: int, backends: Sequence[str]) -> None:
    """Print a row per backend and kind of heads."""
    print(f"{tasks} regressions, {ROWS} rows in batches of 256: an epoch after the first\n")
    print(" " * 21 + f"{'seconds':>9}" + "".join(f"{place:>17}" for place in PLACES))
    with tempfile.TemporaryDirectory() as scratch, render.snapshot() as template:
        work = Work(template, Path(scratch))
        for backend in backends:
            for heads in ("separate", "stacked"):
                package = f"{heads}_{backend}"
                asked = answers(tasks, heads, backend) | {"input_shape": str(FEATURES)}
                project = work.project(package, asked)
                found = work.run(backend, [project], __name__, "profile", package, ROWS, EPOCHS)
                total = sum(found.values())
                cells = "".join(f"{found[place] / total:17.1%}" for place in PLACES)
                print(f"{backend:12}{heads:9}{total / EPOCHS:9.3f}{cells}", flush=True)


def profile(package: str, rows: str, epochs: str) -> dict[str, float]:
    """Return seconds by place of some epochs after the first, which compiles."""
    import keras

    config, epochs_of, sample, train = (
        importlib.import_module(f"{package}.{module}")
        for module in ("config", "epochs", "sample", "train")
    )
    watch = Watch()
    fit, evaluate = keras.Model.fit, keras.Model.evaluate
    trained, pieces = epochs_of.EpochModel, epochs_of.Pieces
    make = trained.make_train_function
    done: list[dict[str, float]] = []

    def begin_or_end(epoch: int, logs: object) -> None:
        watch.lap()
        if epoch == 0:
            watch.seconds.update(dict.fromkeys(PLACES, 0.0))
        done[:] = [watch.seconds.copy()]

    def watched_fit(model: Any, *args: Any, **more: Any) -> object:
        clock = keras.callbacks.LambdaCallback(on_epoch_end=begin_or_end)
        more |= {"callbacks": [*more["callbacks"], clock], "verbose": 0}
        return fit(model, *args, **more)

    def make_watched(model: Any, force: bool = False) -> None:
        if model.train_function is None or force:
            make(model, force)
            model.train_function = watch.timed("compiled step", finished(model.train_function))

    def finished(step: Callable[..., Any]) -> Callable[..., Any]:
        """Wait for JAX, which returns before it has computed, and time its reading of batches."""
        if keras.backend.backend() == "tensorflow":
            return step
        import jax

        def call(state: Any, iterator: Iterator[Any]) -> Any:
            read = watch.timed("reading batches", iterator.__next__)
            return jax.block_until_ready(step(state, Each(read)))

        return call

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.data.Dataset.__iter__ = watch.timed("reading batches", tf.data.Dataset.__iter__)
    names = [name for name in vars(keras.callbacks.CallbackList) if name.startswith("on_")]
    for name in names:
        counted = watch.timed("callbacks", getattr(keras.callbacks.CallbackList, name))
        setattr(keras.callbacks.CallbackList, name, counted)
    keras.Model.fit, trained.make_train_function = watched_fit, make_watched
    pieces.__getitem__ = watch.timed("reading batches", pieces.__getitem__)
    keras.Model.evaluate = watch.timed("validation", evaluate)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        table = sample.write_sample(Path(folder), int(rows))
        sizes = {"epochs": 1 + int(epochs), "patience": 1 + int(epochs), "batch_size": 256}
        options = config.TrainingOptions(data=table, run=Path(folder, "run"), **sizes)
        train.train(options)
    return dict(done[0])


class Each:
    """Iterate over what a function returns."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read

    def __next__(self) -> Any:
        return self.read()
