"""Public networks come out exactly, and the question about Dense(2) has its answer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator import demo
from generator.projects import render

PARAMETERS = {
    "shared_trunk": 2307,
    "shared_output": 2273,
    "parallel": 2307,
    "sequence_two_outputs": 4762,
    "sequence_stacked": 4762,
    "same_author": 82305,
}
LAYERS = {
    "shared_trunk": ["Dense 32", *["Dense 16"] * 3, *["Dense 1"] * 3],
    "shared_output": ["Dense 32", *["Dense 16"] * 3, "Dense 1"],
    "parallel": ["Dense 32", *["Dense 16"] * 3, *["Dense 1"] * 3],
    "sequence_two_outputs": ["LSTM 32", "Dense 8", "Dense 1", "Dense 1"],
    "sequence_stacked": ["LSTM 32", "Dense 8", "Dense 2"],
    "same_author": ["LSTM 64", "Dense 1"],
}

LOOK = """
import json, math
from {package}.model import build_model
model = build_model()
layers = [layer for part in (model.get_layer("trunk"), model) for layer in part.layers]
print(json.dumps(dict(
    parameters=sum(math.prod(v.shape) for v in model.trainable_variables),
    layers=[f"{{type(x).__name__}} {{x.units}}" for x in layers if hasattr(x, "units")],
)))
"""

# One Dense(2) with one loss, the mean over its outputs, beside the rendered model's sum over tasks.
FACTOR = """
import json
import numpy as np
from sequence_stacked import config
from sequence_stacked.model import build_model
import keras
model = build_model()
trunk = model.get_layer("trunk")
inputs = keras.Input((10, 2))
plain = keras.Model(inputs, keras.layers.Dense(2)(trunk(inputs)))
plain.layers[-1].set_weights(model.get_layer("heads_regression_1_logits").get_weights())
rng = np.random.default_rng(0)
x = rng.normal(size=(16, 10, 2)).astype("float32")
y = rng.normal(size=(16, 2)).astype("float32")

def step(model, *batch, **more):
    model.optimizer.learning_rate = 1.0
    before = model.get_weights()
    model.train_on_batch(*batch, **more)
    after = model.get_weights()
    model.set_weights(before)
    return np.concatenate([(b - a).ravel() for b, a in zip(before, after)])

model.compile("sgd")
labels = {task.name: y[:, i:i + 1] for i, task in enumerate(config.TASKS)}
weights = {name: np.ones(16, "float32") for name in labels}
ours = step(model, {"sequence": x}, labels, sample_weight=weights)
plain.compile("sgd", loss="mse")
theirs = step(plain, x, y)
print(json.dumps(float(np.abs(ours - len(config.TASKS) * theirs).max() / np.abs(ours).max())))
"""


def run(code: str, folder: Path, backend: str) -> Any:
    """What a piece of Python prints in a rendered project, as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", PARAMETERS)
def test_network_has_the_stated_layers_and_parameters(
    name: str, template: Path, tmp_path: Path
) -> None:
    data = render.read_answers(demo.answers_file(name))
    render.render(template, data, tmp_path / name)
    network = run(LOOK.format(package=data["package"]), tmp_path / name, "jax")
    assert network["parameters"] == PARAMETERS[name]
    assert sorted(network["layers"]) == sorted(LAYERS[name])


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_gradients_of_one_layer_and_of_two_differ_by_the_number_of_tasks(
    backend: str, template: Path, tmp_path: Path
) -> None:
    data = render.read_answers(demo.answers_file("sequence_stacked"))
    render.render(template, data, tmp_path / "project")
    assert run(FACTOR, tmp_path / "project", backend) < 1e-5
