"""The history of a run as a picture."""

from math import ceil
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from . import config


def draw_curves(run: Path) -> None:
    """Draw the total loss and each task's by epoch, as curves.png."""
    history = pd.read_csv(run / "history.csv")
    names = ["loss", *(f"{task.name}_loss" for task in config.TASKS)]
    rows = ceil(len(names) / 4)
    axes = Figure(figsize=(16, 4 * rows), layout="constrained").subplots(rows, 4, squeeze=False)
    for panel, name in zip(axes.flat, names, strict=False):
        history.plot("epoch", [name, f"val_{name}"], ax=panel)
    axes[0, 0].figure.savefig(run / "curves.png")
