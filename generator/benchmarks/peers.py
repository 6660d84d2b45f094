"""Compare training throughput with other libraries: the network of `tasks`, batches of 256.

Each backend, and PyTorch, has a process of its own. They train in turn, one epoch at a time, on the
same rows, shuffled anew in each epoch. All weight each label and track each task's loss, without
metrics. Figures are ratios to plain PyTorch.
"""

import contextlib
import functools
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from generator.benchmarks.measuring import (
    BACKENDS,
    Fit,
    Work,
    draw_ratios,
    epoch_seconds,
    ratios,
    spread,
)
from generator.benchmarks.recording import add_part
from generator.benchmarks.tasks import BATCH, answers, by_name, linear_fit, table
from generator.projects import render

ROWS = 8192
TASKS = (3, 12, 32)
BASES = (
    "PyTorch",
    "plain Keras, tensorflow",
    "plain Keras, jax",
)  # the first installed one
# The requirement of each. AutoKeras 3.0 is missing: it fails on several regressions.
PEERS = {"torch": "torch==2.13.0", "torchjd": "torchjd", "deepctr": "deepctr"}

# Seconds of an epoch in each round, by number of tasks and network.
Seconds = dict[int, dict[str, list[float]]]


def add_command(benches: Any) -> None:
    """Define `bench peers`."""
    add_part(
        benches, "peers", "training speed beside PyTorch, TorchJD and DeepCTR", (bench_peers, draw)
    )


def bench_peers(rounds: int) -> Seconds:
    """Print a row per network, and what to install for more."""
    missing = [requirement for name, requirement in PEERS.items() if not find_spec(name)]
    if missing:
        print(f"Left out; to have them: pip install {' '.join(missing)}\n")
    seconds: Seconds = {}
    with TemporaryDirectory() as scratch, render.snapshot() as template:
        work = Work(template, Path(scratch))
        for number in TASKS:
            seconds[number] = side_by_side(work, number, rounds)
            found = over_base(seconds[number])
            base = next(name for name in BASES if name in found)
            print(f"{number} tasks, throughput relative to {base} (median, minimum, maximum)\n")
            print("".join(f"{name:28}{spread(values):>20}\n" for name, values in found.items()))
            print(end="", flush=True)
    return seconds


def over_base(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    """Return how many times as fast as the base each network is, by round."""
    base = next(seconds[name] for name in BASES if name in seconds)
    return {network: ratios(base, took) for network, took in seconds.items()}


def draw(path: Path, seconds: Seconds) -> None:
    """Draw the same."""
    panels = {f"{number} tasks": over_base(found) for number, found in seconds.items()}
    base = next(name for name in BASES if name in seconds[TASKS[0]])
    draw_ratios(path, f"throughput relative to {base}", panels)


def side_by_side(work: Work, tasks: int, rounds: int) -> dict[str, list[float]]:
    """Return seconds of an epoch of each network, without the first round, which compiles."""
    epochs: dict[str, Callable[[], float]] = {}
    with contextlib.ExitStack() as processes:
        for backend in BACKENDS:
            projects = []
            for name, heads, more in (
                ("stacked", "stacked", {}),
                ("separate", "separate", {}),
                ("pcgrad", "stacked", {"loss_weighting": "pcgrad"}),
            ):
                asked = answers(tasks, heads, backend) | more
                projects.append(work.project(f"{name}_{tasks}_{backend}", asked))
            packages = [project.name for project in projects]
            arguments = (tasks, ROWS, backend, *packages)
            process = work.alive(backend, projects, __name__, "keras_networks", *arguments)
            epochs |= processes.enter_context(process)
        if find_spec("torch"):
            process = work.alive("torch", [], __name__, "torch_networks", tasks, ROWS)
            epochs |= processes.enter_context(process)
        seconds: dict[str, list[float]] = {name: [] for name in epochs}
        for number in range(rounds + 1):
            for name, epoch in epochs.items():
                took = epoch()
                if number:
                    seconds[name].append(took)
    return seconds


def keras_networks(
    tasks: str, rows: str, backend: str, stacked: str, separate: str, pcgrad: str
) -> dict[str, Callable[[], float]]:
    """Return functions that train a network on this backend and return seconds of an epoch."""
    import keras

    from generator.benchmarks import plain_keras

    keras.utils.set_random_seed(0)
    features, labels = table(int(rows), int(tasks))
    named = by_name(labels)
    weights = {name: np.ones(len(features), "float32") for name in named}
    by_hand = plain_keras.many_heads(features, int(tasks), measured=False)

    def fit_by_hand(epochs: int, ended: Callable[..., object]) -> None:
        clock = keras.callbacks.LambdaCallback(on_epoch_end=ended)
        by_hand.fit(features, named, BATCH, epochs, 0, [clock], sample_weight=weights)

    fits: dict[str, Fit] = {
        "stacked": linear_fit(stacked, features, named, False),
        "separate": linear_fit(separate, features, named, False),
        "plain Keras": fit_by_hand,
        "stacked, PCGrad": linear_fit(pcgrad, features, named, False),
    }
    if backend == "tensorflow" and find_spec("deepctr"):
        fits["DeepCTR's SharedBottom"] = deepctr_fit(features, named, weights)
    return {
        f"{name}, {backend}": functools.partial(epoch_seconds, fit) for name, fit in fits.items()
    }


def deepctr_fit(
    features: np.ndarray, labels: dict[str, np.ndarray], weights: dict[str, np.ndarray]
) -> Fit:
    """Build the same network with DeepCTR, to be trained by Keras's `fit` with its defaults."""
    import keras
    from deepctr.feature_column import DenseFeat
    from deepctr.models import SharedBottom

    model = SharedBottom(
        [DenseFeat("features", features.shape[1])],
        bottom_dnn_hidden_units=(128, 64),
        tower_dnn_hidden_units=(),
        task_types=["regression"] * len(labels),
        task_names=list(labels),
        l2_reg_dnn=0,
    )
    model.compile("adam", loss=["mse"] * len(labels))
    lists = list(labels.values()), list(weights.values())

    def fit(epochs: int, ended: Callable[..., object]) -> None:
        clock = keras.callbacks.LambdaCallback(on_epoch_end=ended)
        rows = {"features": features}
        model.fit(rows, lists[0], BATCH, epochs, 0, [clock], sample_weight=lists[1])

    return fit


def torch_networks(tasks: str, rows: str) -> dict[str, Callable[[], float]]:
    """Return the same functions for PyTorch."""
    from generator.benchmarks import plain_torch

    features, labels = table(int(rows), int(tasks))
    fits: dict[str, Fit] = {
        "PyTorch": plain_torch.trainer(features, labels),
        "PyTorch, one layer of heads": plain_torch.trainer(features, labels, together=True),
    }
    if find_spec("torchjd"):
        fits["PyTorch, TorchJD's PCGrad"] = plain_torch.trainer(
            features, labels, differentiate=plain_torch.surgery
        )
    return {name: functools.partial(epoch_seconds, fit) for name, fit in fits.items()}
