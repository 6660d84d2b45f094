import os
from pathlib import Path
from typing import Literal

from . import InputError
from .__main__ import RunPath


def export(
    run: RunPath,
    format: tuple[Literal["onnx", "saved_model", "litert"], ...] = ("onnx", "saved_model"),
    out: Path | None = None,
    force: bool = False,
) -> None:
    """Write a run's best model as files that need neither Keras nor this project.

    Args:
        run: Directory of the run.
        format: One format or several.
        out: Directory for the files; without it, RUN/export.
        force: Replace the directory, if it is that of an export.
    """
    if not format:
        raise InputError("--format is empty; give onnx, saved_model or litert")
    out = out or run / "export"
    if out.exists() and not force:
        raise InputError(f"{out} exists already; give another --out, or add --force")
    if out.exists() and not (out / "signature.json").is_file():
        raise InputError(f"{out} is not the directory of an export; give another --out")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # only there Keras writes all formats
    from .export import export

    export(run, out, format)
