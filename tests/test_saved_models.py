"""A saved model opens anywhere, and what a project builds is Keras's own, without side effects."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.choices.combinations import Combination, enumeration
from generator.projects import render, suites

BOUNDARIES = ("unequal-heads", "all-kinds", "losses-of-all-kinds", "one-task", "no-hidden-heads")

# Builds the network of each project, saves it, and keeps what it predicts.
SAVE = """
import importlib, sys
import keras
import numpy as np

rng = np.random.default_rng(0)
for package in sys.argv[1:]:
    model = importlib.import_module(f"{package}.model").build_model()
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 0.05, variable.shape))
    shapes = {name: (5, *x.shape[1:]) for name, x in model.input.items()}
    inputs = {name: rng.integers(1, 9, shape).astype("float32") for name, shape in shapes.items()}
    predictions = model.predict(inputs, verbose=0)
    assert all(np.ptp(values) > 0 for values in predictions.values()), package
    model.save(f"{package}.keras")
    np.savez(f"{package}_inputs.npz", **inputs)
    np.savez(f"{package}_predictions.npz", **predictions)
"""
LOAD = """
import sys
import keras
import numpy as np

for package in sys.argv[1:]:
    model = keras.models.load_model(f"{package}.keras")
    found = model.predict(dict(np.load(f"{package}_inputs.npz")), verbose=0)
    expected = dict(np.load(f"{package}_predictions.npz"))
    assert found.keys() == expected.keys(), package
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=package)
    assert not any(name.startswith(package) for name in sys.modules)
print(len(sys.argv[1:]))
"""
NOTEBOOK = """
import keras
import numpy as np
from the_default.model import build_model

model = build_model()
rng = np.random.default_rng(0)
x = {name: rng.normal(size=(64, *i.shape[1:])) for name, i in model.input.items()}
y = {
    "task_1": rng.normal(size=(64, 1)),
    "task_2": rng.integers(0, 2, (64, 1)),
    "task_3": rng.integers(0, 3, (64, 1)),
}
losses = {
    "task_1": "mse", "task_2": "binary_crossentropy", "task_3": "sparse_categorical_crossentropy"
}
model.compile("adam", loss=losses, metrics={"task_2": ["accuracy"]})
history = model.fit(x, y, epochs=8, validation_split=0.25, verbose=0).history
assert history["loss"][-1] < history["loss"][0]
logs = model.evaluate(x, y, return_dict=True, verbose=0)
assert np.isfinite(list(logs.values())).all() and "task_2_accuracy" in logs
np.testing.assert_allclose(logs["loss"], sum(logs[f"{name}_loss"] for name in y), rtol=1e-4)
assert type(model) is type(keras.Model(model.input, model.output))
"""
IMPORT = """
import importlib, os, pkgutil, random, warnings
import keras
import numpy as np

def settings():
    seeds = np.random.get_state()
    return {
        "environment": dict(os.environ),
        "keras": (keras.config.floatx(), keras.config.epsilon(), keras.config.backend(),
                  keras.config.image_data_format(), keras.config.dtype_policy().name,
                  keras.config.is_traceback_filtering_enabled(),
                  keras.config.is_interactive_logging_enabled()),
        "random": (random.getstate(), seeds[0], seeds[1].tolist(), seeds[2:]),
        "warnings": list(warnings.filters),
        "directory": os.getcwd(),
    }

import matplotlib, pandas, pyarrow, pyarrow.parquet, scipy.stats, sklearn.metrics, tyro
before = settings()
import the_default
for module in pkgutil.iter_modules(the_default.__path__):
    importlib.import_module(f"the_default.{module.name}")
for name, value in settings().items():
    assert value == before[name], name
"""


def run(
    code: str, folder: Path, backend: str, sources: list[Path], *arguments: str, **variables: str
) -> str:
    """Run code in a plain process, and return what it prints."""
    usual = {name: v for name, v in os.environ.items() if not name.startswith(("KERAS", "PYTHON"))}
    paths = os.pathsep.join(map(str, sources))
    quick = {name: suites.ENVIRONMENT[name] for name in ("TF_CPP_MIN_LOG_LEVEL", "XLA_FLAGS")}
    environment = usual | quick | {"KERAS_BACKEND": backend} | variables
    environment |= {"PYTHONPATH": paths} if paths else {}
    end = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 0, end.stderr[-3000:]
    return end.stdout


def chosen() -> list[Combination]:
    """Choose combinations in which each choice and each boundary of a network is."""
    names = {c.name: c for c in enumeration().covering(1)}
    for boundary in BOUNDARIES:
        combination = enumeration().select(f"*jax+{boundary}")[0]
        names[combination.name] = combination
    return [*names.values()]


@pytest.fixture(scope="module")
def default(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the default project on JAX."""
    project = tmp_path_factory.mktemp("default") / "project"
    names = {"project_name": "Default", "package": "the_default"}
    render.render(template, {**names, "backend": "jax"}, project)
    return project


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_saved_models_open_and_predict_the_same_without_the_package(
    backend: str, template: Path, tmp_path: Path
) -> None:
    projects: dict[str, Mapping[str, Any]] = {
        f"saved_{i}": c.data for i, c in enumerate(chosen()) if c.backend == backend
    }
    for package, data in projects.items():
        render.render(template, {**data, "package": package}, tmp_path / "projects" / package)
    sources = [tmp_path / "projects" / package / "src" for package in projects]
    (tmp_path / "models").mkdir()
    run(SAVE, tmp_path / "models", backend, sources, *projects)
    assert json.loads(run(LOAD, tmp_path / "models", backend, [], *projects)) == len(projects) > 1


def test_every_choice_of_a_network_is_saved() -> None:
    found = {pair for c in chosen() for pair in enumeration().chosen(c)}
    assert found == {(q.name, choice) for q in enumeration().asked for choice in q.choices}


def test_network_is_used_as_keras_users_expect(default: Path, tmp_path: Path) -> None:
    run(NOTEBOOK, tmp_path, "jax", [default / "src"])


def test_import_changes_no_setting_of_the_process(default: Path, tmp_path: Path) -> None:
    run(IMPORT, tmp_path, "jax", [default / "src"], MPLBACKEND="agg")
    assert not any(tmp_path.iterdir())
