import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from . import InputError, config
from .data import Schema
from .export import GIVES, describe_inputs
from .runs import load_run, write_json

FILES = {"onnx": "model.onnx", "saved_model": "saved_model", "litert": "model.tflite"}


def export(run: Path, out: Path, formats: Sequence[str]) -> None:
    """Write a run's best model in some formats, and signature.json: all files, or none.

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
        write_json(new / "signature.json", signature(model, schema, formats))
        if out.exists():  # an earlier export
            out.rename(Path(folder, "old"))
        new.rename(out)
    print(f"{', '.join(sorted(path.name for path in out.iterdir()))} are in {out}. Next:")
    print(f"give a file the arrays that {out / 'signature.json'} describes, by name.")


def write(model: keras.Model, name: str, folder: Path) -> None:
    """Write a model in one format. Raises InputError."""
    for layer in model.get_layer("trunk").layers:
        if isinstance(layer, keras.layers.Normalization):  # ONNX would make inputs of tensors
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    rows = 1 if name == "litert" else None  # there, a loop over steps needs a fixed size
    inputs = model.input.items()
    specs = {k: keras.InputSpec(x.dtype, (rows, *x.shape[1:]), name=k) for k, x in inputs}
    options: dict[str, Any] = {}
    try:
        if name == "litert":
            from tensorflow import lite

            # It runs without the operations of TensorFlow, or is not written.
            options["target_spec"] = {"supported_ops": [lite.OpsSet.TFLITE_BUILTINS]}
        kind = name.replace("saved_model", "tf_saved_model")
        path = str(folder / FILES[name])
        model.export(path, kind, verbose=False, input_signature=[specs], **options)
    except Exception as error:  # every exporter has errors of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][-200:]
        raise InputError(f"--format {name} failed: {reason}; give another format") from None


def signature(model: keras.Model, schema: Schema, formats: Sequence[str]) -> dict[str, Any]:
    """Describe what the files take and return, by name; a size of None is the number of rows."""
    outputs = {}
    for task, fitted in zip(config.TASKS, schema.tasks, strict=True):
        array = {"shape": (None, task.width), "dtype": "float32", "holds": GIVES[task.kind]}
        classes = vars(fitted).get("classes", [])
        outputs[task.name] = array | {"kind": task.kind, "classes": classes}
    rows = {name: "one at a time" if name == "litert" else "any number" for name in formats}
    files = {FILES[name]: {"rows": count} for name, count in rows.items()}
    return {"files": files, "inputs": describe_inputs(model, schema), "outputs": outputs}
