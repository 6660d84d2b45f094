"""Exported files give what Keras gives, in a process without Keras and the project."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.projects import render

ALL_KINDS = "price:regression, sold:binary, color:multiclass(3), tags:multilabel(4)"
PROJECTS = {
    "table": {"backend": "jax", "sharing": "ple", "heads": "stacked"},
    "pairs": {"backend": "tensorflow", "layout": "siamese", "input_kind": "sequence"},
}
FORMATS = ("onnx", "saved_model", "litert")
ALLOWED = 1e-4

# Inputs of a run's model, with a missing number where there may be one, and its predictions.
PREDICT = """
import keras
import numpy as np

model, rng = keras.models.load_model("run/best.keras"), np.random.default_rng(0)
inputs = {
    name: rng.normal(size=(5, *x.shape[1:])).astype(x.dtype) for name, x in model.input.items()
}
if "features" in inputs:
    inputs["features"][0, 0] = np.nan
np.savez("inputs.npz", **inputs)
np.savez("predicted.npz", **model.predict(inputs, verbose=0))
"""

# The largest difference of each format from them.
COMPARE = """
import json, sys
import numpy as np
import onnxruntime

sys.modules["keras"] = None  # TensorFlow would import it
import tensorflow as tf

inputs, expected = dict(np.load("inputs.npz")), dict(np.load("predicted.npz"))
described = json.load(open("run/export/signature.json"))
assert described["inputs"].keys() == inputs.keys()
assert described["outputs"].keys() == expected.keys()
session = onnxruntime.InferenceSession("run/export/model.onnx")
loaded = tf.saved_model.load("run/export/saved_model")
serve = loaded.signatures["serving_default"]
served = serve(**{n: tf.constant(a) for n, a in inputs.items()})
runner = tf.lite.Interpreter("run/export/model.tflite").get_signature_runner()
names = [output.name for output in session.get_outputs()]
lite = [
    {name: np.array(x) for name, x in runner(**{n: a[[i]] for n, a in inputs.items()}).items()}
    for i in range(5)
]
given = {
    "onnx": dict(zip(names, session.run(None, inputs), strict=True)),
    "saved_model": {name: x.numpy() for name, x in served.items()},
    "litert": {name: np.concatenate([row[name] for row in lite]) for name in lite[0]},
}
found = {}
for format, outputs in given.items():
    assert outputs.keys() == expected.keys(), (format, list(outputs))
    found[format] = max(float(np.abs(outputs[name] - expected[name]).max()) for name in expected)
print(json.dumps(found))
"""


@pytest.mark.parametrize("name", PROJECTS)
def test_exported_files_give_what_keras_gives(name: str, template: Path, tmp_path: Path) -> None:
    answers: dict[str, object] = {"package": "exported", "tasks": ALL_KINDS, "trunk_units": "16, 8"}
    answers |= {"extras": ["export"], **PROJECTS[name]}
    render.render(template, answers, tmp_path / "project")
    ours: dict[str, str] = {"PYTHONPATH": "src", "TF_CPP_MIN_LOG_LEVEL": "3"}

    def python(*arguments: str, **settings: str) -> str:
        """Run Python in the project, and return its output."""
        environment = {**os.environ, **ours, "KERAS_BACKEND": PROJECTS[name]["backend"], **settings}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path / "project",
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    python("-m", "exported", "train", "--run", "run", "--epochs", "1")
    python("-m", "exported", "export", "run", "--format", *FORMATS)
    python("-c", PREDICT, PYTHONPATH="")
    found = json.loads(python("-c", COMPARE, PYTHONPATH="").splitlines()[-1])
    print(found)
    assert found.keys() == set(FORMATS) and max(found.values()) < ALLOWED
