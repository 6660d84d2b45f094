"""The weightings against the papers' formulas, with NumPy and SciPy, on both backends."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from generator.projects import render

Array = np.ndarray[Any, Any]

TASKS = (2, 3, 12)
CASES = 8

# Computes in a project's own process what each method makes of the cases.
SCRIPT = """
import importlib, json, sys
import numpy as np

inputs = np.load(sys.argv[1])
results = {}
for method in sys.argv[2:]:
    config = importlib.import_module(f"p_{method}.config")
    weighting = importlib.import_module(f"p_{method}.weighting")
    tasks = config.TASKS
    for name in inputs:
        kind, count, case = name.split("-")
        if kind != method:
            continue
        config.TASKS = [tasks[i % 3] for i in range(int(count))]  # regression, binary, multiclass
        importlib.reload(weighting)
        value = inputs[name].astype("float32")
        made = weighting.Weighting()
        if method == "pcgrad":
            gradients, order = value[:, :-int(count)], value[:, -int(count):].astype("int32")
            found = weighting.project(gradients @ gradients.T, order)
        elif method == "cagrad":
            found = made.combine(value)
        elif method == "gradnorm":
            for losses in value[1:, :, 0]:
                made.combine(value[0], losses, last=4)
            found = made.task_weights
        elif method == "dwa":
            for losses in value:
                made.end_epoch(losses)
            found = made.task_weights
        elif method == "famo":
            for before, after in value:
                made(before, training=True)
                made.follow(before, after)
            found = made.logits
        elif method == "uncertainty":
            made.change.assign(value[1])
            made(value[0], training=True)
            found = [made(value[2], training=True)]
        results[name] = np.array(found).tolist()
print(json.dumps(results))
"""


def pcgrad(value: Array) -> Array:
    tasks = len(value)
    gradients, orders = value[:, :-tasks], value[:, -tasks:].astype(int)
    projected = []
    for i, order in enumerate(orders):
        g = gradients[i].copy()
        for j in order:
            if j != i and g @ gradients[j] < 0:
                g -= (g @ gradients[j]) / (gradients[j] @ gradients[j]) * gradients[j]
        projected.append(g)
    return np.array(projected)


def cagrad(gradients: Array, c: float = 0.4) -> Array:
    tasks, mean = len(gradients), gradients.mean(axis=0)
    radius = c * np.linalg.norm(mean)

    def objective(w: Array) -> float:
        return float(w @ gradients @ mean + radius * np.linalg.norm(w @ gradients))

    best = min(
        (
            optimize.minimize(
                objective,
                start,
                method="SLSQP",
                bounds=[(0, 1)] * tasks,
                constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                options={"ftol": 1e-15, "maxiter": 1000},
            )
            for start in [np.full(tasks, 1 / tasks), *(0.5 * np.eye(tasks) + 0.5 / tasks)]
        ),
        key=lambda found: found.fun,
    )
    worst = best.x @ gradients
    return tasks * (mean + radius * worst / np.linalg.norm(worst)) / (1 + c**2)


def gradnorm(value: Array, alpha: float = 1.5, rate: float = 0.025) -> Array:
    gradients, losses = value[0], value[1:, :, 0]
    weights, norms = np.ones(len(gradients)), np.linalg.norm(gradients[:, -4:], axis=1)
    first = np.resize([1, np.log(2), np.log(3)], len(gradients))  # of the kinds in SCRIPT
    for now in losses:
        rates = now / first
        aims = (weights * norms).mean() * (rates / rates.mean()) ** alpha
        slopes = np.sign(weights * norms - aims) * weights * norms  # of the logarithms
        weights = weights * np.exp(-rate * slopes / (weights * norms).mean())
        weights *= len(weights) / weights.sum()
    return weights


def dwa(losses: Array, temperature: float = 2.0) -> Array:
    exponents = np.exp(losses[-1] / losses[-2] / temperature)
    return np.array(len(exponents) * exponents / exponents.sum())


def famo(value: Array, rate: float = 0.025, decay: float = 0.001) -> Array:
    logits = np.zeros(value.shape[-1])
    first, second = np.zeros_like(logits), np.zeros_like(logits)
    for step, (before, after) in enumerate(value, start=1):
        z = np.exp(logits) / np.exp(logits).sum()
        jacobian = np.diag(z) - np.outer(z, z)
        slopes = jacobian @ (np.log(before) - np.log(after)) + decay * logits
        first = 0.9 * first + 0.1 * slopes
        second = 0.999 * second + 0.001 * slopes**2
        scale = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        logits = logits - rate * first / (1 - 0.9**step) / scale
    return logits


def uncertainty(value: Array) -> Array:
    first, change, losses = value
    factors = np.where(np.arange(len(first)) % 3 == 0, 0.5, 1.0)  # a regression, two others
    s = np.log(2 * factors * first) + change
    return np.array([(factors * np.exp(-s) * losses + 0.5 * s).sum()])


REFERENCES: dict[str, Callable[[Array], Array]] = {
    "uncertainty": uncertainty,
    "dwa": dwa,
    "gradnorm": gradnorm,
    "pcgrad": pcgrad,
    "cagrad": cagrad,
    "famo": famo,
}


def case(method: str, tasks: int, rng: np.random.Generator) -> Array:
    """Random gradients and losses, in the form that SCRIPT takes."""
    gradients = rng.normal(size=(tasks, 20))
    losses = rng.uniform(0.2, 3, size=(6, 2, tasks))
    return {
        "pcgrad": np.hstack([gradients, [rng.permutation(tasks) for _ in range(tasks)]]),
        "cagrad": gradients,
        "gradnorm": np.stack([gradients, *np.repeat(losses[:, 0, :, None], 20, axis=2)]),
        "dwa": losses[:, 0],
        "famo": losses,
        "uncertainty": np.stack([losses[0, 0], rng.normal(0, 0.5, tasks), losses[0, 1]]),
    }[method]


# Published, or from the authors' code: what comes in, what comes out. PCGrad's
# gradients are those of TorchJD's own tests, and its answer is their sum.
PLANE = np.array([[-4.0, 1, 1], [6, 1, 1]])
GOLDEN: dict[str, tuple[Array, Array]] = {
    "pcgrad": (np.hstack([PLANE, [[0, 1], [0, 1]]]), np.array([0.5848, 3.8012, 3.8012])),
    "dwa": (np.array([[2.0, 1], [1, 1]]), np.array([0.8756, 1.1244])),
}


@pytest.fixture(scope="module")
def cases() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    random = {
        f"{method}-{tasks}-{i}": case(method, tasks, rng)
        for method in REFERENCES
        for tasks in TASKS
        for i in range(CASES)
    }
    return random | {f"{method}-2-golden": value for method, (value, _) in GOLDEN.items()}


@pytest.fixture(scope="module")
def found(
    template: Path, tmp_path_factory: pytest.TempPathFactory, cases: dict[str, Array]
) -> Iterator[dict[str, dict[str, Array]]]:
    """What the rendered methods make of the cases, by backend."""
    folder = tmp_path_factory.mktemp("weightings")
    np.savez(folder / "cases.npz", **cases)  # type: ignore[arg-type]
    results = {}
    for backend in ("tensorflow", "jax"):
        projects = []
        for method in REFERENCES:
            projects.append(folder / f"{method}-{backend}")
            data = {"loss_weighting": method, "backend": backend, "package": f"p_{method}"}
            render.render(template, data, projects[-1])
        path = os.pathsep.join(str(project / "src") for project in projects)
        command = [sys.executable, "-c", SCRIPT, str(folder / "cases.npz"), *REFERENCES]
        environment = {**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": backend}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        parsed = json.loads(done.stdout.splitlines()[-1])
        results[backend] = {name: np.array(value) for name, value in parsed.items()}
    yield results


@pytest.mark.parametrize("method", REFERENCES)
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_method_is_what_its_paper_says(
    backend: str, method: str, cases: dict[str, Array], found: dict[str, dict[str, Array]]
) -> None:
    for name, value in cases.items():
        if name.startswith(f"{method}-"):
            expected, ours = REFERENCES[method](value), found[backend][name]
            if method == "pcgrad":
                ours = ours @ value[:, : -len(value)]
            np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5, err_msg=name)
            if name.endswith("golden"):
                total = ours.sum(axis=0) if method == "pcgrad" else ours
                np.testing.assert_allclose(total, GOLDEN[method][1], atol=5e-5)


@pytest.mark.parametrize("method", REFERENCES)
def test_both_backends_agree(method: str, found: dict[str, dict[str, Array]]) -> None:
    names = [name for name in found["jax"] if name.startswith(f"{method}-")]
    assert len(names) == len(TASKS) * CASES + (method in GOLDEN)
    for name in names:
        ours, theirs = found["jax"][name], found["tensorflow"][name]
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5, err_msg=name)
