"""What `export` writes gives what Keras gives, where there is neither Keras nor the project."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.projects import render

TASKS = "price:regression, sold:binary, colour:multiclass(3), tags:multilabel(4)"
KINDS: dict[str, dict[str, Any]] = {
    "tabular": {},
    "sequence": {"input_kind": "sequence", "input_shape": "6, 2"},
    "image": {"input_kind": "image", "input_shape": "16, 16, 3"},
    "text": {"input_kind": "text", "input_shape": "20"},
}
STACKED = {"heads": "stacked", "trunk_units": "16", "expert_units": "8"}
# Every kind of input, every layout, every way to share; on JAX, every kind of input.
PROJECTS: dict[str, dict[str, Any]] = {
    **KINDS,
    "pair": {"layout": "siamese", "comparison": "combined"},
    "sequences": {**KINDS["sequence"], "layout": "siamese", "input_shape": "6, 2; 4, 2"},
    "images": {**KINDS["image"], "layout": "siamese", "comparison": "difference"},
    "tables": {"layout": "parallel", "loss_weighting": "famo"},
    "mmoe": {"sharing": "mmoe", "loss_weighting": "pcgrad", **STACKED},
    "ple": {"sharing": "ple", **STACKED},
    "cross_stitch": {"sharing": "cross_stitch", "loss_weighting": "gradnorm", **STACKED},
    "one": {"tasks": "colour:multiclass(3)"},
}
ON_JAX = ("tabular", "sequence", "images", "text", "mmoe")
FORMATS = ("onnx", "saved_model", "litert")
ALLOWED = 1e-4

# Keras's predictions of each project's model, with weights that are all different from their start.
BUILD = """
import importlib, sys
from pathlib import Path
import numpy as np
for name in sys.argv[1:]:
    folder = Path(name)
    sys.path.insert(0, str(folder / "src"))
    data, model_module, sample, runs = (
        importlib.import_module(f"p_{folder.name}.{part}")
        for part in ("data", "model", "sample", "runs")
    )
    splits = data.load(sample.write_sample(folder / "data", rows=90), 0)
    model = model_module.build_model(splits.schema)
    rng = np.random.default_rng(0)
    model.set_weights([
        w + 0.3 * rng.normal(size=w.shape).astype(w.dtype) if w.dtype == "float32" else w
        for w in model.get_weights()
    ])
    (folder / "run").mkdir()
    model.save(folder / "run/best.keras")
    inputs = {key: array[:7] for key, array in splits.train.inputs.items()}
    for key, array in inputs.items():
        if key.endswith("features") or key.startswith("features"):
            array[0, 0] = np.nan
    np.savez(folder / "inputs.npz", **inputs)
    predicted = runs.load_model(folder / "run").predict(inputs, verbose=0)
    np.savez(folder / "predicted.npz", **predicted)
"""

# The commands of several projects in one process, which imports TensorFlow once.
EXPORT = """
import importlib, sys
from pathlib import Path
for argument in sys.argv[1:]:
    name, formats = argument.split(":")
    sys.path.insert(0, f"{name}/src")
    export = importlib.import_module(f"p_{Path(name).name}.export")
    export.main([f"{name}/run", "--format", *formats.split(",")])
"""

# The largest difference of each file's outputs, for seven rows and for one.
COMPARE = """
import json, sys
from pathlib import Path
import numpy as np

def rows(inputs, first, count):
    return {name: array[first:first + count] for name, array in inputs.items()}

def with_onnx(path):
    import onnxruntime
    session = onnxruntime.InferenceSession(path / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    taken = [x.name for x in session.get_inputs()]
    return taken, lambda inputs: dict(zip(names, session.run(None, inputs), strict=True))

def with_saved_model(path):
    import tensorflow as tf
    loaded = tf.saved_model.load(path / "saved_model")
    serve = loaded.signatures["serving_default"]
    def predict(inputs, loaded=loaded):
        outputs = serve(**{name: tf.constant(array) for name, array in inputs.items()})
        return {name: output.numpy() for name, output in outputs.items()}
    return list(serve.structured_input_signature[1]), predict

def with_litert(path):
    import tensorflow as tf
    runner = tf.lite.Interpreter(str(path / "model.tflite")).get_signature_runner()
    def predict(inputs):
        # It gives views of memory that the next call writes to.
        return {name: np.array(output) for name, output in runner(**inputs).items()}
    return list(runner.get_input_details()), predict

FILES = {"onnx": "model.onnx", "saved_model": "saved_model", "litert": "model.tflite"}

def difference(folder, format):
    path = folder / "run/export"
    inputs, expected = (dict(np.load(folder / f"{x}.npz")) for x in ("inputs", "predicted"))
    described = json.loads((path / "signature.json").read_text())
    taken, predict = globals()[f"with_{format}"](path)
    assert set(taken) == set(inputs) == set(described["inputs"]), taken
    many = described["files"][FILES[format]]["rows"] == "any number"
    worst = 0.0
    for first, count in [(0, 7), (3, 1)] if many else [(i, 1) for i in range(7)]:
        outputs = predict(rows(inputs, first, count))
        assert set(outputs) == set(expected) == set(described["outputs"]), list(outputs)
        for name, values in outputs.items():
            right = expected[name][first:first + count]
            assert values.shape == right.shape and np.isfinite(values).all(), (name, values)
            worst = max(worst, float(np.abs(values - right).max()))
    return worst

found = {}
asked = [argument.split(":") for argument in sys.argv[1:]]
for format in ("onnx", "saved_model", "litert"):
    if format == "saved_model":
        assert not {"keras", "tensorflow"} & set(sys.modules)
        sys.modules["keras"] = None  # TensorFlow would import it: now it cannot
    for name, formats in asked:
        if format in formats.split(","):
            found[f"{Path(name).name} {format}"] = difference(Path(name), format)
assert not [name for name in sys.modules if name.startswith(("keras.", "p_"))]
print(json.dumps(found))
"""


def python(backend: str, *arguments: str, project: Path | None = None) -> Any:
    """What Python does in a process of its own, where it may see a project."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = f"{project}/src" if project else ""
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Exported:
    """The projects of a backend, exported; and how much each file differs from Keras."""

    folder: Path
    names: list[str]
    differences: Mapping[str, float]


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def exported(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    """Every project of a backend, exported by its own command."""
    backend = request.param
    folder = tmp_path_factory.mktemp(backend)
    names = list(PROJECTS) if backend == "tensorflow" else list(ON_JAX)
    for name in names:
        answers = {"tasks": TASKS, "trunk_units": "16, 8", "backend": backend, **PROJECTS[name]}
        count = {"num_tasks": answers["tasks"].count(":")}
        render.render(template, {"package": f"p_{name}", **count, **answers}, folder / name)
    done = python(backend, "-c", BUILD, *(str(folder / name) for name in names))
    assert done.returncode == 0, done.stderr[-3000:]
    asked = [f"{folder / name}:{','.join(FORMATS)}" for name in names]
    if backend == "tensorflow":
        done = python(backend, "-c", EXPORT, *asked)
        assert done.returncode == 0, done.stderr[-3000:]
    else:  # each starts a process anyway
        for name in names:
            command = ["-m", f"p_{name}.export", str(folder / name / "run"), "--format"]
            done = python(backend, *command, *FORMATS, project=folder / name)
            assert done.returncode == 0 and "Next: " in done.stdout, done.stderr[-3000:]
    done = python("", "-c", COMPARE, *asked)
    assert done.returncode == 0, done.stderr[-3000:]
    return Exported(folder, names, json.loads(done.stdout.splitlines()[-1]))


def test_every_export_gives_what_keras_gives_without_keras(exported: Exported) -> None:
    asked = {f"{name} {kind}" for name in exported.names for kind in FORMATS}
    assert exported.differences.keys() == asked
    for name, difference in exported.differences.items():
        print(f"{exported.folder.name} {name} {difference:.1e}")
        assert difference < ALLOWED, name


def test_nothing_else_is_left(exported: Exported) -> None:
    for name in exported.names:
        left = {path.name for path in (exported.folder / name / "run").iterdir()}
        assert left == {"best.keras", "export"}


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_what_litert_cannot_hold_ends_with_one_line(
    backend: str, template: Path, tmp_path: Path
) -> None:
    project = tmp_path / "edited"
    answers = {"package": "p_edited", "tasks": TASKS, "num_tasks": 4, "backend": backend}
    render.render(template, answers, project)
    model = project / "src/p_edited/model.py"
    text = model.read_text(encoding="utf-8")
    end = '    return keras.Model(inputs, x, name="trunk")'
    assert text.count(end) == 1
    model.write_text(text.replace(end, f"    x = ops.erfinv(0.9 * ops.tanh(x))\n{end}"))
    done = python(backend, "-c", BUILD, str(project))
    assert done.returncode == 0, done.stderr[-3000:]
    arguments = [str(project / "run"), "--out", str(project / "lite"), "--format", "litert"]
    done = python(backend, "-m", "p_edited.export", *arguments, project=project)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --format litert failed, give another: ")
    assert [path.name for path in (project / "run").iterdir()] == ["best.keras"]
    assert not (project / "lite").exists()
