"""Export: the files are described in full, and written whole or not at all."""

import json
import shutil
import sys

import keras
import pytest

from the_package import InputError, config, export, runs
from the_package import __main__ as command


def write_little(model, name, folder):
    """Stand for the exporters of Keras."""
    (folder / export.FILES[name]).write_text("little")


def write_half(model, name, folder):
    """Stand for an exporter that is interrupted."""
    write_little(model, name, folder)
    raise KeyboardInterrupt


def tree(folder):
    """Read everything in a folder."""
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def test_export_is_replaced_whole_or_not_at_all(run, tmp_path, monkeypatch):
    out = tmp_path / "export"
    monkeypatch.setattr(export, "write", write_half)
    with pytest.raises(KeyboardInterrupt):
        export.export(run, out, ["onnx", "litert"])
    assert not any(tmp_path.iterdir())
    monkeypatch.setattr(export, "write", write_little)
    export.export(run, out, ["onnx", "litert"])
    before = tree(out)
    assert {path.name for path in before} == {"model.onnx", "model.tflite", "signature.json"}
    monkeypatch.setattr(export, "write", write_half)
    with pytest.raises(KeyboardInterrupt):
        export.export(run, out, ["saved_model"])
    assert tree(out) == before and list(tmp_path.iterdir()) == [out]
    monkeypatch.setattr(export, "write", write_little)
    export.export(run, out, ["saved_model"])
    assert {path.name for path in out.iterdir()} == {"saved_model", "signature.json"}


def test_directory_of_something_else_stays(run, tmp_path, monkeypatch, capsys):
    copy = shutil.copytree(run, tmp_path / "run")
    before = tree(copy)
    for force, message in ([], "add --force"), (["--force"], "not the directory of an export"):
        arguments = ["the_package", "export", str(copy), "--out", str(copy), *force]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as end:
            command.main()
        printed = capsys.readouterr().err
        assert end.value.code == 2 and message in printed and printed.count("\n") == 1
    assert tree(copy) == before


def test_error_of_an_exporter_is_one_line(run, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ValueError("no such operation\nand more")

    monkeypatch.setattr(keras.Model, "export", fail)
    message = "--format saved_model failed: no such operation; give another format"
    with pytest.raises(InputError, match=message):
        export.write(runs.load_run(run)[0], "saved_model", tmp_path)


def test_signature_describes_every_array(run, splits):
    model, schema = runs.load_run(run)
    found = json.loads(json.dumps(export.signature(model, schema, ["onnx"])))
    assert found["files"] == {"model.onnx": {"rows": "any number"}}
    assert list(found["inputs"]) == list(config.INPUTS)
    for name, array in splits.test.inputs.items():
        described = found["inputs"][name]
        assert described["shape"] == [None, *array.shape[1:]]
        assert described["dtype"] == array.dtype.name
        assert len(described.get("columns", array.T)) == len(array.T)
    predicted = model.predict(splits.test.inputs, verbose=0)
    assert set(found["outputs"]) == set(predicted)
    for task in schema.tasks:
        described = found["outputs"][task.name]
        assert described["shape"] == [None, *predicted[task.name].shape[1:]]
        assert described["classes"] == list(vars(task).get("classes", []))
