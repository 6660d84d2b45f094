"""Compare the ways to share: the cost of a step, and the MMoE paper's experiment.

The experiment trains networks of equal size on pairs of tasks whose relation is known, with several
learning rates. For each network, the rate with the lowest mean validation loss is chosen, and its
loss on held-out rows is reported.
"""

import argparse
import hashlib
import importlib
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from generator.benchmarks.measuring import (
    BACKENDS,
    Work,
    epoch_times,
    print_step_times,
    project_fit,
)
from generator.choices.questions import ROOT, Answers, Questionnaire
from generator.commands import positive
from generator.errors import AnswerError
from generator.projects import render

SIZES = (3, 12)
EXPERTS = (4, 8, 16)
COSINES = (0.0, 0.5, 0.9, 1.0)
RATES = (3e-3, 1e-2, 3e-2)
ROWS = (10_000, 2_000, 5_000)  # training, validation, held out
FEATURES = 100
BATCH = 100
# All have 14,300 to 14,900 parameters, single networks together. Those that end in 2 have two
# layers before the heads, the others one.
PLE: Answers = {"sharing": "ple", "num_experts": 4, "num_private_experts": 2}
NETWORKS: dict[str, Answers] = {
    "shared_bottom": {"trunk_units": "126"},
    "mmoe": {"sharing": "mmoe", "num_experts": 8, "expert_units": "16"},
    "ple": PLE | {"num_levels": 1, "expert_units": "16"},
    "cross_stitch": {"sharing": "cross_stitch", "expert_units": "68"},
    "single": {"trunk_units": "68", "tasks": "y1:regression", "num_tasks": 1},
    "shared_bottom_2": {"trunk_units": "105, 34"},
    "single_2": {"trunk_units": "60, 19", "tasks": "y1:regression", "num_tasks": 1},
    "ple_2": PLE | {"num_levels": 2, "expert_units": "13"},
}

# Losses of each seed on validation and on held-out rows, by learning rate.
Losses = dict[str, list[tuple[float, float]]]


def related_tasks(
    rows: int, cosine: float, rng: np.random.Generator, scale: float = 1.0, sines: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Make two regressions of one input, as closely related as `cosine` says.

    With orthogonal unit vectors u1 and u2, w1 = c u1 and w2 = c (p u1 + sqrt(1 - p²) u2), p being
    the cosine of the angle between them. A label is w·x plus the sum of sin(α w·x + β) plus
    noise of deviation 0.01; x is standard normal. The paper leaves α and β open: as in a public
    reproduction by its authors' company, α = 1, 2, ... and β = 0, 1, 4, ...

    Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate
    Mixture-of-Experts" (KDD 2018), section 3.3, https://doi.org/10.1145/3219819.3220007

    Returns inputs, (rows, FEATURES), and labels, (rows, 2), each standardised.
    """
    u1, u2 = np.linalg.qr(rng.normal(size=(FEATURES, 2)))[0].T
    weights = scale * np.stack([u1, cosine * u1 + np.sqrt(1 - cosine**2) * u2])
    inputs = rng.normal(size=(rows, FEATURES))
    linear = inputs @ weights.T
    factors = np.arange(1, sines + 1)
    waves = np.sin(linear[..., None] * factors + (factors - 1) ** 2).sum(axis=-1)
    labels = linear + waves + rng.normal(scale=0.01, size=linear.shape)
    return inputs, (labels - labels.mean(axis=0)) / labels.std(axis=0)


def add_command(benches: Any) -> None:
    """Define `bench sharing`."""
    parser = benches.add_parser("sharing", help="cost of the ways to share; MMoE's experiment")
    parser.add_argument("--into", type=Path, default=Path("bench"), help="folder (default: bench)")
    parser.add_argument(
        "--seeds", type=positive, default=8, help="trainings of each, at least 2 (default: 8)"
    )
    parser.add_argument("--epochs", type=positive, default=40, help="epochs of each (default: 40)")
    parser.add_argument(
        "--backend", choices=BACKENDS, default="jax", help="for the losses (default: jax)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the tables and draw the picture.

    Raises:
        AnswerError: there are too few seeds.
    """
    if arguments.seeds < 2:
        raise AnswerError("--seeds 1 is too few: give 2 or more, to see how far they differ")
    bench_sharing(arguments.into, arguments.seeds, arguments.epochs, arguments.backend)
    return 0


def bench_sharing(folder: Path, seeds: int, epochs: int, backend: str) -> None:
    """Print the tables and draw the losses. After an interruption, the next call resumes."""
    [question] = [q for q in Questionnaire().questions if q.name == "sharing"]
    choices: dict[str, Answers] = {choice: {"sharing": choice} for choice in question.choices}
    # Losses are saved until all are complete, for these settings and this code only.
    kept = folder / f"sharing-{seeds}-{epochs}-{backend}-{fingerprint()}"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, render.snapshot() as template:
        work = Work(template, Path(scratch))
        losses, parameters = experiment(work, kept, seeds, epochs, backend)
        print_losses(losses, parameters)

        print("\nTime of a training step, over that of a shared bottom (median of the rounds)\n")
        print_step_times(work, BACKENDS, SIZES, choices)

        print(
            "\nTime of a training step with experts in a loop, over that of one batched product\n"
        )
        print(f"{'':14}" + "".join(f"{n:>9} experts" for n in EXPERTS))
        for name in BACKENDS:
            cells = (f"{loop_ratio(work, name, n):17.2f}" for n in EXPERTS)
            print(f"{name:14}" + "".join(cells), flush=True)
    (folder / "sharing.json").write_text(json.dumps(losses, indent=1), encoding="utf-8")
    draw(losses, folder / "sharing.png")
    shutil.rmtree(kept)
    print(f"\nLosses and their picture are in {folder}.")


def fingerprint() -> str:
    """Return a hash of the template and of this file."""
    content = hashlib.sha256(Path(__file__).read_bytes())
    for path in [ROOT / "copier.yml", *sorted((ROOT / "template").rglob("*"))]:
        content.update(path.read_bytes() if path.is_file() else b"")
    return content.hexdigest()[:12]


def experiment(
    work: Work, kept: Path, seeds: int, epochs: int, backend: str
) -> tuple[dict[str, dict[str, Losses]], dict[str, int]]:
    """Return losses by cosine and network, and the number of parameters by network."""
    common = {"input_shape": str(FEATURES), "head_units": "8", "backend": backend}
    tasks = {"tasks": "y1:regression, y2:regression", "num_tasks": 2}
    projects = {
        name: work.project(f"of_{name}", common | tasks | answers)
        for name, answers in NETWORKS.items()
    }
    jobs = [(cosine, name) for cosine in COSINES for name in projects]
    print(f"{len(jobs)} times {len(RATES)} learning rates and {seeds} seeds:", flush=True)

    def learn_once(cosine: float, name: str) -> dict[str, Any]:
        path = kept / f"{cosine}-{name}.json"
        if not path.exists():
            arguments = (f"of_{name}", cosine, seeds, epochs)
            found = work.run(backend, [projects[name]], __name__, "learn", *arguments)
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps(found), encoding="utf-8")
            draft.replace(path)
        return dict(json.loads(path.read_text(encoding="utf-8")))

    losses: dict[str, dict[str, Losses]] = {str(cosine): {} for cosine in COSINES}
    parameters = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {pool.submit(learn_once, *job): job for job in jobs}
        try:
            for number, done in enumerate(as_completed(waiting), start=1):
                cosine, name = waiting[done]
                losses[str(cosine)][name] = done.result()["losses"]
                parameters[name] = done.result()["parameters"]
                print(f"{number}/{len(jobs)} cosine {cosine}, {name}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    ordered = {cosine: {name: found[name] for name in projects} for cosine, found in losses.items()}
    return ordered, parameters


def learn(package: str, cosine: str, seeds: str, epochs: str) -> dict[str, Any]:
    """Train a package's network with each rate and seed, and keep the best epoch of each."""
    import keras

    tasks = [task.name for task in importlib.import_module(f"{package}.config").TASKS]
    schema = importlib.import_module(f"{package}.data").Schema()
    build = importlib.import_module(f"{package}.model").build_model
    model = build(schema)
    steps = ROWS[0] // BATCH
    losses_by_task = dict.fromkeys(tasks, "mse")
    model.compile(keras.optimizers.Adam(), loss=losses_by_task, steps_per_execution=steps)
    # A network for one task learns the first, then the second.
    pairs = [(0, 1)] if len(tasks) == 2 else [(0,), (1,)]
    losses: Losses = {}
    for rate in RATES:
        for seed in range(int(seeds)):
            rng = np.random.default_rng(seed)
            inputs, labels = related_tasks(sum(ROWS), float(cosine), rng)
            found = []
            for columns in pairs:
                keras.utils.set_random_seed(seed)
                # The compiled steps serve all trainings.
                model.set_weights(build(schema).get_weights())
                for variable in model.optimizer.variables:
                    variable.assign(np.zeros(variable.shape))
                model.optimizer.learning_rate = rate
                parts = examples(inputs, labels[:, columns], tasks)
                stop = keras.callbacks.EarlyStopping(
                    "val_loss", patience=int(epochs), mode="min", restore_best_weights=True
                )
                x, y, weights = parts[0]
                model.fit(
                    x, y, BATCH, int(epochs), 0, [stop], validation_data=parts[1],
                    sample_weight=weights, validation_batch_size=BATCH,
                )  # fmt: skip
                for x, y, _ in parts[1:]:
                    predicted = model.predict(x, 1000, 0)
                    found += [np.mean((predicted[task] - y[task]) ** 2) for task in tasks]
            # Networks for one task are trained one after another, others on both tasks together.
            found = np.array(found).reshape(len(pairs), 2, len(tasks)).mean(axis=(0, 2)).tolist()
            losses.setdefault(str(rate), []).append((found[0], found[1]))
    return {"losses": losses, "parameters": len(pairs) * count(model)}


def count(model: Any) -> int:
    """Count the model's trainable parameters."""
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def examples(inputs: np.ndarray, labels: np.ndarray, tasks: Sequence[str]) -> list[tuple[Any, ...]]:
    """Split rows for training, validation and test, in the form of a project's model."""
    ends = np.cumsum(ROWS)[:-1]
    parts = []
    for x, y in zip(np.split(inputs, ends), np.split(labels, ends), strict=True):
        by_task = {task: y[:, [i]].astype("float32") for i, task in enumerate(tasks)}
        weights = {task: np.ones(len(y), "float32") for task in tasks}
        parts.append(({"features": x.astype("float32")}, by_task, weights))
    return parts


def loop_ratio(work: Work, backend: str, experts: int) -> float:
    """Return the time of MMoE's step with its experts in a loop, relative to the project's."""
    answers: Answers = {"sharing": "mmoe", "num_experts": experts, "backend": backend}
    package = f"experts_{experts}_{backend}"
    project = work.project(package, answers)
    return float(work.run(backend, [project], __name__, "time_loop", package))


def time_loop(package: str) -> float:
    """Return the time of an epoch with experts in a loop, relative to one batched product."""
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(0)
    config = importlib.import_module(f"{package}.config")
    data = importlib.import_module(f"{package}.data")
    module: Any = importlib.import_module(f"{package}.model")
    sample = importlib.import_module(f"{package}.sample")

    def share(encoding: Any) -> dict[str, Any]:
        experts = []
        for _ in range(config.NUM_EXPERTS):
            x = encoding
            for units in config.EXPERT_UNITS:
                x = layers.Dense(units, activation="relu")(x)
            experts.append(x)
        every = ops.stack(experts, axis=1)
        mixed = {}
        for task in config.TASKS:
            gate = layers.Dense(config.NUM_EXPERTS, activation="softmax")(encoding)
            mixed[task.name] = layers.Dot(axes=1)([gate, every])
        return mixed

    with tempfile.TemporaryDirectory() as folder:
        splits = data.load(sample.write_sample(Path(folder), 3200), seed=0)
    batched = module.build_model(splits.schema)
    module.share = share
    looped = module.build_model(splits.schema)
    assert count(batched) == count(looped)
    rows = splits.train, splits.validation
    fits = [project_fit(package, network, *rows) for network in (batched, looped)]
    ours, theirs = epoch_times(fits)
    return theirs / ours


def chosen(losses: Losses) -> tuple[str, list[float]]:
    """Return the rate with the lowest mean validation loss, and its held-out losses."""
    rate = min(losses, key=lambda rate: statistics.mean(pair[0] for pair in losses[rate]))
    return rate, [pair[1] for pair in losses[rate]]


def seeds_needed(differences: Sequence[float]) -> float:
    """Return how many seeds would show their mean: 5 % level, 80 % power, normal."""
    mean, deviation = statistics.mean(differences), statistics.stdev(differences)
    return max(2.0, np.ceil((2.8 * deviation / mean) ** 2)) if mean else float("inf")


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of their mean."""
    return statistics.stdev(values) / len(values) ** 0.5


def print_losses(losses: Mapping[str, dict[str, Losses]], parameters: dict[str, int]) -> None:
    """Print a table per cosine, with a row per network."""
    for cosine, found in losses.items():
        print(f"\ncosine {cosine}: held-out mean squared error, in variances of the labels\n")
        print(
            f"{'':15} parameters    rate     mean ± s.e.      median   "
            "beyond the shared bottom   seeds needed"
        )
        for name, of_network in found.items():
            rate, values = chosen(of_network)
            edge = "*" if float(rate) in (RATES[0], RATES[-1]) else " "
            line = f"{name:15}{parameters[name]:11,}{float(rate):8g}{edge}"
            line += f"{statistics.mean(values):8.4f} ± {standard_error(values):.4f}"
            line += f"{statistics.median(values):10.4f}"
            bottom = "shared_bottom_2" if name.endswith("_2") else "shared_bottom"
            if name != bottom:
                pairs = zip(values, chosen(found[bottom])[1], strict=True)
                differences = [ours - theirs for ours, theirs in pairs]
                line += f"{statistics.mean(differences):+15.4f} ± {standard_error(differences):.4f}"
                line += f"{seeds_needed(differences):15.0f}"
            print(line)
    seeds = len(next(iter(found["shared_bottom"].values())))
    print(
        f"\n{seeds} seeds. Differences are by seed, from the shared bottom with as many layers. "
        "'Seeds needed'\nwould show the difference at the 5 % level with a probability of 80 %. "
        "*: the best rate is the\nlowest or highest that was tried."
    )


def draw(losses: Mapping[str, dict[str, Losses]], path: Path) -> None:
    """Draw a panel per cosine, with a row per network, a point per seed, and the mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * len(losses), 3), layout="constrained")
    for place, (cosine, found) in enumerate(losses.items(), start=1):
        axes = figure.add_subplot(1, len(losses), place)
        axes.set_title(f"cosine {cosine}", fontsize=9)
        axes.set_xlabel("held-out loss", fontsize=9)
        for height, of_network in enumerate(reversed(found.values())):
            _, values = chosen(of_network)
            axes.plot(values, [height] * len(values), "o", alpha=0.4, color="C0")
            axes.plot(statistics.mean(values), height, "|", markersize=14, color="C3")
        names = list(reversed(found)) if place == 1 else [""] * len(found)
        axes.set_yticks(range(len(found)), names)
    figure.savefig(path)
