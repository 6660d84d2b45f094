"""Public networks come out exactly, and one `Dense(2)` has half the gradient of two losses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator import demo
from generator.projects import render

# By example: its trainable parameters, and its layers.
NETWORKS = {
    "shared_trunk": (2307, ["Dense 32", *["Dense 16"] * 3, *["Dense 1"] * 3]),
    "shared_output": (2273, ["Dense 32", *["Dense 16"] * 3, "Dense 1"]),
    "parallel": (2307, ["Dense 32", *["Dense 16"] * 3, *["Dense 1"] * 3]),
    "sequence_two_outputs": (4762, ["LSTM 32", "Dense 8", "Dense 1", "Dense 1"]),
    "sequence_stacked": (4762, ["LSTM 32", "Dense 8", "Dense 2"]),
    "same_author": (82305, ["LSTM 64", "Dense 1"]),
}

# What the networks of packages are, and how much the gradients of one layer with one loss differ.
LOOK = """
import importlib, json, math, sys
import keras
import numpy as np

def built(package):
    schema = importlib.import_module(f"{package}.data").Schema()
    return importlib.import_module(f"{package}.model").build_model(schema)

def step(model, *batch):
    before = model.get_weights()
    model.train_on_batch(*batch)
    after = model.get_weights()
    model.set_weights(before)
    return np.concatenate([(b - a).ravel() for b, a in zip(before, after)])

found = {}
for package in sys.argv[1:]:
    model = built(package)
    layers = [layer for part in (model.get_layer("trunk"), model) for layer in part.layers]
    found[package] = (
        sum(math.prod(v.shape) for v in model.trainable_variables),
        [f"{type(x).__name__} {x.units}" for x in layers if hasattr(x, "units")],
    )
model = built("sequence_stacked")
inputs = keras.Input((10, 2))
plain = keras.Model(inputs, keras.layers.Dense(2)(model.get_layer("trunk")(inputs)))
[dense] = [layer for layer in model.layers if getattr(layer, "units", 0) == 2]
plain.layers[-1].set_weights(dense.get_weights())
rng = np.random.default_rng(0)
x, y = (rng.normal(size=shape).astype("float32") for shape in ((16, 10, 2), (16, 2)))
model.compile(keras.optimizers.SGD(1.0), loss={f"task_{i + 1}": "mse" for i in range(2)})
plain.compile(keras.optimizers.SGD(1.0), loss="mse")
ours = step(model, {"sequence": x}, {f"task_{i + 1}": y[:, i : i + 1] for i in range(2)})
found["difference"] = float(np.abs(ours - 2 * step(plain, x, y)).max() / np.abs(ours).max())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Render all, and build them in one process."""
    folder = tmp_path_factory.mktemp("networks")
    for name in NETWORKS:
        data = render.read_answers(demo.answers_file(name))
        assert data["package"] == name
        render.render(template, data, folder / name)
    path = os.pathsep.join(str(folder / name / "src") for name in NETWORKS)
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *NETWORKS],
        env={**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", NETWORKS)
def test_network_has_the_stated_layers_and_parameters(name: str, found: dict[str, Any]) -> None:
    parameters, layers = found[name]
    assert parameters == NETWORKS[name][0]
    assert sorted(layers) == sorted(NETWORKS[name][1])


def test_gradients_of_one_layer_and_of_two_differ_by_the_number_of_tasks(
    found: dict[str, Any],
) -> None:
    assert found["difference"] < 1e-5
