"""The history of a run as a picture."""

from pathlib import Path

import pandas as pd

from . import config


def draw_curves(run: Path) -> None:
    """Draw the total loss and each task's by epoch, as curves.png."""
    history = pd.read_csv(run / "history.csv", index_col="epoch")
    names = ["loss", *(f"{task.name}_loss" for task in config.TASKS)]
    pairs = [(name, f"val_{name}") for name in names]
    axes = history.plot(subplots=pairs, figsize=(8, 3 * len(pairs)))
    axes[0].figure.savefig(run / "curves.png", bbox_inches="tight")
