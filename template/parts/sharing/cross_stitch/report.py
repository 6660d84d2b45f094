"""What each task takes of the layers of each task."""

import keras
import pandas as pd

from .data import Arrays
from .kinds import TASKS


def shares(model: keras.Model, inputs: Arrays) -> dict[str, pd.DataFrame]:
    """Read from each stitch how much each task (row) takes of each (column), for all inputs."""
    names = [task.name for task in TASKS]
    stitches = [layer for layer in model.layers if layer.name.startswith("stitch_")]
    return {layer.name: pd.DataFrame(*layer.get_weights(), names, names) for layer in stitches}
