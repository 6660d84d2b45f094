"""Compare the weightings: the cost of a step, Kendall's toy, scores on held-out rows.

Every project trains as its own `train` does. Projects of one measurement share a table, the rows'
split and the seeds; the networks for one task alone have the same trunk and the same head.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from generator import demo
from generator.benchmarks.measuring import BACKENDS, Work, print_step_times
from generator.choices.questions import Answers, Questionnaire
from generator.commands import positive
from generator.projects import render

SIZES = (3, 12)
PUBLISHED = (8.648, 0.925)  # standard deviations that Kendall's notebook prints
TOY_EPOCHS = 2000


@dataclass(frozen=True)
class Setting:
    """A table with several labels, and the answers of the project that learns it."""

    name: str
    tasks: str
    answers: Answers
    epochs: int

    def write_table(self, folder: Path) -> Path:
        """Write its table to a folder."""
        table = demo.penguins() if self.name == "penguins" else digit_pairs()
        if "right:regression" in self.tasks:
            table["right"] *= 100
        table.to_csv(folder / "table.csv", index=False)
        return folder / "table.csv"


PIXELS: Answers = {"input_shape": "128"}
SETTINGS = (
    Setting("penguins", "species:multiclass(3), sex:binary, body_mass_g:regression", {}, 100),
    Setting("digits", "left:multiclass(10), right:multiclass(10)", PIXELS, 60),
    Setting("digits_number", "left:multiclass(10), right:regression", PIXELS, 60),
)


def digit_pairs(pairs: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Make pairs of scikit-learn's digits as 128 pixels; no digit is in two splits."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(seed)
    digits, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(labels))
    ends = [round(0.7 * len(order)), round(0.85 * len(order))]
    parts = []
    for split, own in zip(("train", "validation", "test"), np.split(order, ends), strict=True):
        left, right = rng.choice(own, (2, round(pairs * len(own) / len(order))))
        pixels = np.hstack([digits[left], digits[right]])
        part = pd.DataFrame(pixels, columns=[f"p{i}" for i in range(pixels.shape[1])])
        parts.append(part.assign(left=labels[left], right=labels[right], split=split))
    return pd.concat(parts)


def add_command(benches: Any) -> None:
    """Define `bench weighting`."""
    parser = benches.add_parser("weighting", help="cost and scores of the loss weightings")
    parser.add_argument("--into", type=Path, default=Path("bench"), help="folder (default: bench)")
    parser.add_argument("--seeds", type=positive, default=4, help="trainings of each (default: 4)")
    parser.add_argument("--epochs", type=positive, help="epochs of each, for a quick look")
    parser.add_argument(
        "--backend", choices=BACKENDS, default="jax", help="for the scores (default: jax)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the tables and draw the picture."""
    bench_weighting(arguments.into, arguments.seeds, arguments.epochs, arguments.backend)
    return 0


def bench_weighting(folder: Path, seeds: int, epochs: int | None, backend: str) -> None:
    """Print the three tables and draw the scores."""
    [question] = [q for q in Questionnaire().questions if q.name == "loss_weighting"]
    methods = question.choices
    learning = [method for method in methods if method != "fixed"]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, render.snapshot() as template:
        work = Work(template, Path(scratch))
        print("Time of a training step, relative to equal weighting (median of the rounds)\n")
        choices: dict[str, Answers] = {method: {"loss_weighting": method} for method in methods}
        print_step_times(work, BACKENDS, SIZES, choices)

        print("\nKendall's toy: the noise of two tasks, learned by uncertainty weighting\n")
        print(f"{'published':42}{PUBLISHED[0]:.3f}          {PUBLISHED[1]:.3f}")
        for name in BACKENDS:
            for start, noise in toy(work, name).items():
                pairs = zip(noise, PUBLISHED, strict=True)
                cells = (f"{ours:.3f} ({ours / theirs - 1:+.1%})" for ours, theirs in pairs)
                print(f"{f'{name}, {start}':42}" + "  ".join(cells), flush=True)

        print("\nFixed weights are omitted below: untuned, they equal equal weights.")
        scores = {}
        for setting in SETTINGS:
            print(
                f"\n{setting.name}: held-out rows, mean and standard deviation of {seeds} seeds\n"
            )
            found = compare(work, setting, learning, seeds, epochs or setting.epochs, backend)
            scores[setting.name] = found
            print_scores(found)
        (folder / "weighting.json").write_text(json.dumps(scores, indent=1), encoding="utf-8")
        draw(scores, folder / "weighting.png")
    print(f"\nScores and their picture are in {folder}.")


def toy(work: Work, backend: str) -> dict[str, list[float]]:
    """Run `learn_toy` on a backend."""
    answers = {"tasks": "y1:regression, y2:regression", "num_tasks": 2, "head_units": ""}
    answers |= {"trunk_units": "1024", "loss_weighting": "uncertainty", "backend": backend}
    project = work.project(f"toy_{backend}", answers)
    return dict(work.run(backend, [project], __name__, "learn_toy", f"toy_{backend}", TOY_EPOCHS))


def learn_toy(package: str, epochs: str) -> dict[str, list[float]]:
    """Learn the noise of two tasks from all 100 rows, by start of the log variances.

    As in the authors' notebook, https://github.com/yaringal/multi-task-learning-example, nothing is
    standardised. From 0, as there, the larger of the two is still on its way at the end.
    """
    import importlib

    import keras

    random = np.random.RandomState(0)  # the notebook's generator
    x = random.randn(100, 1)
    columns = {"x0": x[:, 0]}
    columns["y1"] = (2 * x + 8 + 10 * random.randn(100, 1))[:, 0]
    columns["y2"] = (3 * x + 3 + random.randn(100, 1))[:, 0]
    table = pd.DataFrame(columns).assign(split="train")
    held_out = table.head(2).assign(split=["validation", "test"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "toy.csv")
        pd.concat([table, held_out]).to_csv(path, index=False)
        splits = importlib.import_module(f"{package}.data").load(path, seed=0)
    features = tuple(replace(c, mean=0.0, std=1.0) for c in splits.schema.inputs.columns)
    schema = replace(
        splits.schema,
        inputs=replace(splits.schema.inputs, columns=features),
        tasks=tuple(replace(task, mean=0.0, scale=1.0) for task in splits.schema.tasks),
    )
    build, epochs_of, train = (
        importlib.import_module(f"{package}.{name}") for name in ("model", "epochs", "train")
    )
    rows, found = splits.train, {}
    for start in ("from 0", "from the first losses, as projects do"):
        keras.utils.set_random_seed(0)
        network = build.build_model(schema)
        pieces = epochs_of.Pieces(rows, network, 20, 0)
        model = train.compile_model(network, schema.tasks, 0.001)
        if start == "from 0":
            model.weighting.first.assign(np.ones(2))  # first losses whose best s is 0
        begin = keras.callbacks.LambdaCallback(on_epoch_begin=pieces.begin)
        given = {"callbacks": [begin], "epochs": int(epochs), "verbose": 0}
        epochs_of.fit(model, pieces, splits.validation, **given)
        first, change = (np.array(v) for v in (model.weighting.first, model.weighting.change))
        found[start] = [float(n) for n in np.exp((np.log(first) + change) / 2)]
    return found


# Scores of the seeds by method and task; `single` is a network per task.
Scores = dict[str, dict[str, list[float]]]


def compare(
    work: Work, setting: Setting, methods: Sequence[str], seeds: int, epochs: int, backend: str
) -> Scores:
    """Train every weighting, and a network per task, on the same rows with the same seeds."""
    folder = work.scratch / f"{setting.name}_rows"
    folder.mkdir()
    path = setting.write_table(folder)
    tasks = setting.tasks.split(", ")
    jobs: dict[str, tuple[str, Answers]] = {
        method: (setting.tasks, {"loss_weighting": method}) for method in methods
    }
    names = [task.partition(":")[0] for task in tasks]
    # A network for one task must not read the labels of the others.
    for name, task in zip(names, tasks, strict=True):
        jobs[f"single_{name}"] = (task, {})

    def scores_of(job: tuple[str, tuple[str, Answers]]) -> tuple[str, dict[str, list[float]]]:
        name, (asked, more) = job
        package = f"{setting.name}_{name}"
        answers = setting.answers | more | {"tasks": asked, "num_tasks": len(asked.split(", "))}
        project = work.project(package, answers | {"backend": backend})
        without = [other for other in names if other not in asked]
        arguments = (package, path, seeds, epochs, *without)
        return name, work.run(backend, [project], __name__, "learn", *arguments)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(pool.map(scores_of, jobs.items()))
    single: dict[str, list[float]] = {}
    for name in names:
        single |= found.pop(f"single_{name}")
    return found | {"single": single}


def learn(package: str, table: str, seeds: str, epochs: str, *without: str) -> dict[str, Any]:
    """Train a package's model with each seed; return the first held-out metric by task."""
    import importlib

    config, evaluate, runs, train = (
        importlib.import_module(f"{package}.{module}")
        for module in ("config", "evaluate", "runs", "train")
    )
    rows = pd.read_csv(table).drop(columns=list(without))
    path = Path(table).with_name(f"{package}.csv")
    rows.to_csv(path, index=False)
    scores: dict[str, list[float]] = {}
    for seed in range(int(seeds)):
        run = Path(table).with_name(f"{package}-{seed}")
        sizes = {"epochs": int(epochs), "patience": int(epochs)}
        _, splits = train.train(config.TrainingOptions(data=path, run=run, seed=seed, **sizes))
        found = evaluate.score(*runs.load_run(run), splits.test)
        for score in found.drop_duplicates("task").to_dict("records"):
            label = f"{score['task']} {score['score']}"
            scores.setdefault(label, []).append(score["model"])
    return scores


def gain(ours: Mapping[str, list[float]], single: Mapping[str, list[float]]) -> list[float]:
    """Return Δp in percent by seed: the mean over tasks of relative gains over single networks.

    Maninis, Radosavovic and Kokkinos, "Attentive Single-Tasking of Multiple Tasks" (CVPR 2019),
    https://arxiv.org/abs/1904.08918
    """
    gains = []
    for task, values in single.items():
        sign = -1 if task.endswith(" mae") else 1
        pairs = zip(ours[task], values, strict=True)
        gains.append([sign * 100 * (our - alone) / alone for our, alone in pairs])
    return [statistics.mean(seed) for seed in zip(*gains, strict=True)]


def spread(values: Sequence[float]) -> str:
    """Format mean and standard deviation."""
    return f"{statistics.mean(values):.4g} ± {statistics.stdev(values) if values[1:] else 0:.2g}"


def print_scores(scores: Scores) -> None:
    """Print a row per weighting, and one for the single-task networks."""
    print(f"{'':12}" + "".join(f"{task:>24}" for task in scores["single"]) + f"{'gain, %':>18}")
    for method, by_task in scores.items():
        cells = "".join(f"{spread(by_task[task]):>24}" for task in scores["single"])
        total = "" if method == "single" else spread(gain(by_task, scores["single"]))
        print(f"{method:12}{cells}{total:>18}", flush=True)


def draw(scores: Mapping[str, Scores], path: Path) -> None:
    """Draw every score of every weighting: a row per table, a panel per task."""
    from matplotlib.figure import Figure

    columns = 1 + max(len(found["single"]) for found in scores.values())
    figure = Figure(figsize=(4 * columns, 3.2 * len(scores)), layout="constrained")
    for row, (name, found) in enumerate(scores.items()):
        panels = {task: {m: found[m][task] for m in found} for task in found["single"]}
        panels["gain over single networks, %"] = {
            method: gain(by_task, found["single"]) for method, by_task in found.items()
        }
        for column, (title, values) in enumerate(panels.items(), start=1):
            axes = figure.add_subplot(len(scores), columns, row * columns + column)
            axes.set_title(f"{name}: {title}", fontsize=9)
            for height, points in enumerate(reversed(values.values())):
                axes.plot(points, [height] * len(points), "o", alpha=0.4, color="C0")
                axes.plot(statistics.mean(points), height, "|", markersize=14, color="C3")
            axes.set_yticks(range(len(values)), list(reversed(values)))
    figure.savefig(path)
