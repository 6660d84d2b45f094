"""The history of a run as a picture."""

import math
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from . import config


def draw_curves(run: Path) -> None:
    """Draw the total loss and each task's by epoch, as curves.png."""
    history = pd.read_csv(run / "history.csv")
    names = ["loss", *(f"{task.name}_loss" for task in config.TASKS)]
    columns = math.ceil(math.sqrt(len(names)))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(4 * columns, 4 * rows), layout="constrained")
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(rows, columns, place, title=name, xlabel="epoch")
        axes.plot(history["epoch"], history[name], label="training")
        axes.plot(history["epoch"], history[f"val_{name}"], label="validation")
        axes.legend()
    figure.savefig(run / "curves.png")
