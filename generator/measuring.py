"""What benchmarks share: rendered projects, and processes on a backend that measure them."""

import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import render
from generator.questions import Answers

BACKENDS = ("tensorflow", "jax")
KINDS = ("regression", "binary", "multiclass(3)")


def environment(backend: str, projects: Iterable[Path]) -> dict[str, str]:
    """Of a process on a backend that can import these projects, and the generator."""
    path = os.pathsep.join([*(str(project / "src") for project in projects), str(Path.cwd())])
    ours = {"KERAS_BACKEND": backend, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, **ours}


@dataclass(frozen=True)
class Work:
    """Where projects are rendered."""

    template: Path
    scratch: Path

    def project(self, package: str, answers: Answers) -> Path:
        """A project of these answers."""
        folder = self.scratch / package
        render.render(self.template, answers | {"package": package}, folder)
        return folder

    def run(
        self, backend: str, projects: Sequence[Path], module: str, function: str, *arguments: object
    ) -> Any:
        """Call a function of one of our modules in a process that can import the projects."""
        result = self.scratch / f"result-{time.monotonic_ns()}.json"
        command = [sys.executable, "-m", "generator.measuring", str(result), module, function]
        done = subprocess.run(
            [*command, *map(str, arguments)],
            env=environment(backend, projects),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            reason = done.stderr[-2000:] or "it was killed"
            raise render.RenderError(f"a measurement ended with {done.returncode}:\n{reason}")
        return json.loads(result.read_text(encoding="utf-8"))


def print_step_times(
    work: Work, backends: Sequence[str], sizes: Sequence[int], choices: Mapping[str, Answers]
) -> None:
    """A row for each choice: its step over that of the first, by backend and number of tasks."""
    width = 1 + max(map(len, choices))
    print(" " * width + "".join(f"{b:>14} {n:>2}" for b in backends for n in sizes))
    ratios = [step_times(work, b, n, choices) for b in backends for n in sizes]
    for choice in choices:
        print(f"{choice:{width}}" + "".join(f"{by_choice[choice]:17.2f}" for by_choice in ratios))


def step_times(
    work: Work, backend: str, tasks: int, choices: Mapping[str, Answers]
) -> dict[str, float]:
    """The time of a training step by choice (its answers by its name), over that of the first."""
    names = ", ".join(f"t{i}:{KINDS[i % 3]}" for i in range(tasks))
    packages = [f"{choice}_{tasks}_{backend}" for choice in choices]
    projects = []
    for package, answers in zip(packages, choices.values(), strict=True):
        common = {"tasks": names, "num_tasks": tasks, "backend": backend}
        projects.append(work.project(package, common | answers))
    times = work.run(backend, projects, __name__, "time_steps", *packages)
    return dict(zip(choices, (t / times[0] for t in times), strict=True))


def time_steps(*packages: str) -> list[float]:
    """Seconds of some epochs of each package's model."""
    import keras

    keras.utils.set_random_seed(0)
    models = []
    with tempfile.TemporaryDirectory() as folder:
        sample = importlib.import_module(f"{packages[0]}.sample")
        table = sample.write_sample(Path(folder), 3200)
        for package in packages:
            splits = importlib.import_module(f"{package}.data").load(table, seed=0)
            model = importlib.import_module(f"{package}.model").build_model(splits.schema)
            models.append((compiled(package, model), splits.train))
    return epoch_times(models)


def compiled(package: str, model: Any) -> Any:
    """As a package's `train` compiles."""
    training = importlib.import_module(f"{package}.arguments").Training()
    importlib.import_module(f"{package}.train").compile_model(model, training, 16)
    return model


def epoch_times(models: Sequence[tuple[Any, Any]], rounds: int = 7) -> list[float]:
    """Seconds of four epochs of each model on its rows, all trained in turn: the median."""
    times: list[list[float]] = [[] for _ in models]
    for _ in range(rounds + 1):  # the first one compiles
        for (model, train), seconds in zip(models, times, strict=True):
            weights, took = train.weights, []
            for epochs in (1, 5):  # their difference has no part in starting and ending a `fit`
                start = time.perf_counter()
                model.fit(train.inputs, train.labels, 32, epochs, 0, sample_weight=weights)
                took.append(time.perf_counter() - start)
            seconds.append(took[1] - took[0])
    return [statistics.median(seconds[1:]) for seconds in times]


if __name__ == "__main__":
    result, module, function, *arguments = sys.argv[1:]
    answer = getattr(importlib.import_module(module), function)(*arguments)
    Path(result).write_text(json.dumps(answer), encoding="utf-8")
