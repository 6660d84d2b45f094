"""Whether it helps to learn the tasks together: this network beside one for each task alone.

A network for one task is the same network, trained on the loss of that task only; what only the
other tasks use is not trained, and not counted among its parameters. All networks have the same
rows and options, and several seeds for their initial weights and the order of the rows.
"""

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras.callbacks import EarlyStopping, LambdaCallback
from scipy import stats

from . import InputError, config, epochs, runs, train
from .config import TrainingOptions
from .data import Examples, Splits
from .epochs import EpochModel, Pieces
from .evaluate import measure
from .kinds import TASKS, AnyKind
from .model import build_model

# The models of each network, by the tasks that they learn.
NETWORKS = {"multi_task": [list(TASKS)], "single_task": [[task] for task in TASKS]}


def compare(options: TrainingOptions, out: Path, seeds: int) -> None:
    """Train each network with each seed that has no result yet, and print the tables.

    Results are in `out`, written after each training. Raises InputError.
    """
    path, splits = out / "results.json", train.load(options)
    check_labels(splits)
    settings = runs.settings(options) | {"data": splits.digest}  # the path may differ
    results = read_results(path, settings) if path.exists() else []
    done = [(result["network"], result["seed"]) for result in results]
    planned = [(network, seed) for seed in range(seeds) for network in NETWORKS]
    for number, (network, seed) in enumerate(planned, start=1):
        if (network, seed) not in done:
            print(f"Training {number} of {len(planned)}: {network}, seed {seed}")
            results.append(train_network(network, replace(options, seed=seed), splits))
            out.mkdir(parents=True, exist_ok=True)
            runs.write_json(path, {"settings": settings, "results": results})
    print_tables([result for result in results if result["seed"] < seeds])
    print(f"\nAll results are in {path}.")


def check_labels(splits: Splits) -> None:
    """Raise InputError where labels are missing that every network needs."""
    if names := sorted(splits.unlabeled()):
        raise InputError(f"column '{names[0]}' has no label in the validation rows; add some")
    for task in TASKS:
        found = scores(task, splits.test, np.zeros((len(splits.test), task.width)))
        if undefined := [metric for metric, value in found.items() if math.isnan(value)]:
            what = f"the labels of the test rows do not define '{undefined[0]}'; add others"
            raise InputError(f"column '{task.name}': {what}")


def read_results(path: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Read what an earlier command with the same settings has found. Raises InputError."""
    kept = runs.read_json(path)
    before = kept.get("settings")
    for name, value in settings.items():
        if not isinstance(before, dict) or before.get(name) != value:
            raise InputError(f"{path} was made with another {name}; give another --out")
    return list(kept["results"])


def train_network(network: str, options: TrainingOptions, splits: Splits) -> dict[str, Any]:
    """Train the models of a network; return its parameters, seconds of an epoch and scores."""
    result: dict[str, Any] = {"network": network, "seed": options.seed, "scores": {}}
    result |= {"parameters": 0, "seconds": 0.0}
    for tasks in NETWORKS[network]:
        keras.utils.set_random_seed(options.seed)
        model = build_model(splits.schema)
        result["seconds"] += fit(model, [task.name for task in tasks], options, splits)
        result["parameters"] += sum(math.prod(v.shape) for v in model.trainable_variables)
        predictions = model.predict(splits.test.inputs, verbose=0)
        for task in tasks:
            if not np.isfinite(predictions[task.name]).all():
                raise InputError(f"predictions of '{task.name}' overflow; lower --learning-rate")
            result["scores"][task.name] = scores(task, splits.test, predictions[task.name])
        keras.utils.clear_session()
    return result


def fit(model: keras.Model, names: list[str], options: TrainingOptions, splits: Splits) -> float:
    """Fit a network to all tasks or one, up to its best epoch; return the seconds of an epoch."""
    pieces = Pieces(splits.train, model, options.batch_size, options.seed)
    ends: list[float] = []
    clock = LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))
    tasks = [task for task in splits.schema.tasks if task.name in names]
    if len(tasks) == 1:
        model = compile_single(model, tasks[0], options.learning_rate)
        callbacks, watched = [clock], f"val_{tasks[0].name}_mean_loss"
    else:
        model = train.compile_model(model, tasks, options.learning_rate)
        callbacks, watched = [clock, train.log_losses(splits)], options.monitor
    best = EarlyStopping(watched, patience=options.patience, mode="min", restore_best_weights=True)
    callbacks += [best, LambdaCallback(on_epoch_begin=pieces.begin)]
    epochs.fit(
        model, pieces, splits.validation, epochs=options.epochs, callbacks=callbacks, verbose=0
    )
    return float(np.median(np.diff(ends)))  # the first epoch, which compiles, does not count


def compile_single(network: keras.Model, task: AnyKind, learning_rate: float) -> keras.Model:
    """Compile a network for one of its tasks."""
    needed = keras.Model(network.input, network.output[task.name]).layers
    for layer in network.layers:
        if layer not in needed:
            layer.trainable = False
    model = EpochModel(network)
    model.compile(
        optimizer=config.OPTIMIZER,
        loss={task.name: task.loss()},
        loss_weights={task.name: task.loss_weight},
        weighted_metrics={task.name: task.metrics()},
    )
    model.optimizer.learning_rate = learning_rate
    return model


def scores(task: AnyKind, rows: Examples, predicted: np.ndarray) -> dict[str, float]:
    """Compute each score of a task over its labeled rows."""
    labeled = rows.weights[task.name] > 0
    labels, predicted = rows.labels[task.name][labeled], predicted[labeled]
    return {name: float(measure(f, labels, predicted)) for name, f in task.scores.items()}


def print_tables(results: list[dict[str, Any]]) -> None:
    """Print the scores of both networks, their difference, and what each network costs."""
    found = {name: [r for r in results if r["network"] == name] for name in NETWORKS}
    ours, alone = (pd.json_normalize([r["scores"] for r in f], sep=" ") for f in found.values())
    errors = [f"{task.name} {name}" for task in TASKS for name in task.errors]
    signs = np.where(ours.columns.isin(errors), -1, 1)
    gap, half = mean_and_interval(ours - alone)
    better = np.where(gap.abs() <= half, "-", np.where(gap * signs > 0, *NETWORKS))
    columns = [spell(ours, ".4g"), spell(alone, ".4g"), spell(ours - alone, "+.3g"), better]
    table = pd.DataFrame(columns, [*NETWORKS, "difference", "better"], gap.index)
    print(f"\n{table.T.to_string()}\n")
    for name, trainings in found.items():
        seconds = np.median([training["seconds"] for training in trainings])
        print(f"{name}: {trainings[0]['parameters']:,} parameters, {seconds:.3g} s an epoch")
    firsts = [f"{task.name} {next(iter(task.scores))}" for task in TASKS]
    gains = 100 * ((ours / alone - 1) * signs)[firsts].mean(axis=1).to_frame()
    # Maninis et al. (2019), https://arxiv.org/abs/1904.08918
    print(f"Δp, the mean relative gain in each task's first score: {spell(gains, '+.2f')[0]} %")
    print(f"Means over {len(ours)} seeds on the same held-out rows, with 95 % intervals.")


def spell(values: pd.DataFrame, form: str) -> list[str]:
    """Write the mean of each column, with its 95 % interval."""
    return [f"{m:{form}} ± {h:.2g}" for m, h in zip(*mean_and_interval(values), strict=True)]


def mean_and_interval(values: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Compute the mean of each column, and half of its 95 % interval by Student's t."""
    return values.mean(), values.sem() * stats.t.interval(0.95, len(values) - 1)[1]
