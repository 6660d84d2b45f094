import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from . import InputError, config
from .data import Schema
from .export import GIVES, describe_inputs
from .runs import load_run

FILES = {"onnx": "model.onnx", "saved_model": "saved_model", "litert": "model.tflite"}
SIGNATURE = "signature.json"


def export(run: Path, out: Path, formats: Sequence[str]) -> None:
    """Write a run's best model in some formats, and what its arrays hold: all files, or none.

    Raises:
        InputError: Something cannot be used; it says what to do.
    """
    model, schema = load_run(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as folder:
        new = Path(folder, "new")
        new.mkdir()
        for name in formats:
            write(model, name, new)
        text = json.dumps(signature(model, schema, formats), indent=1)
        (new / SIGNATURE).write_text(text + "\n", encoding="utf-8")
        if out.exists():  # an earlier export
            out.rename(Path(folder, "old"))
        new.rename(out)
    print(f"{', '.join(sorted(path.name for path in out.iterdir()))} are in {out}. Next:")
    print(f"give a file the arrays that {out / SIGNATURE} describes, by name.")


def write(model: keras.Model, name: str, folder: Path) -> None:
    """Write a model in one format. Raises InputError."""
    for layer in model.get_layer("trunk").layers:
        if isinstance(layer, keras.layers.Normalization):  # ONNX would make inputs of tensors
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    rows = 1 if name == "litert" else None  # there, a loop over steps needs a fixed size
    specs = {}
    for key, x in model.input.items():
        specs[key] = keras.InputSpec(x.dtype, (rows, *x.shape[1:]), name=key)
    options: dict[str, Any] = {"input_signature": [specs], "verbose": False}
    if name == "litert":
        from tensorflow import lite

        # It runs without the operations of TensorFlow, or is not written.
        options["target_spec"] = {"supported_ops": [lite.OpsSet.TFLITE_BUILTINS]}
    try:
        kind = name.replace("saved_model", "tf_saved_model")
        model.export(str(folder / FILES[name]), format=kind, **options)
    except Exception as error:  # every exporter has errors of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][-200:]
        raise InputError(f"--format {name} failed: {reason}; give another format") from None


def signature(model: keras.Model, schema: Schema, formats: Sequence[str]) -> dict[str, Any]:
    """Describe what the files take and return, by name; a size of None is the number of rows."""
    rows = {name: "one at a time" if name == "litert" else "any number" for name in formats}
    outputs = {}
    for task, fitted in zip(config.TASKS, schema.tasks, strict=True):
        outputs[task.name] = {
            "shape": (None, task.width),
            "dtype": "float32",
            "kind": task.kind,
            "holds": GIVES[task.kind],
            "classes": vars(fitted).get("classes", []),
        }
    files = {FILES[name]: {"rows": count} for name, count in rows.items()}
    return {"files": files, "inputs": describe_inputs(model, schema), "outputs": outputs}
