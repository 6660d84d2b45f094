import numpy as np
import pandas as pd
from matplotlib.axes import Axes


def heatmap(axes: Axes, shares: pd.DataFrame, texts: np.ndarray) -> None:
    """Draw a table of numbers between 0 and 1 as shades, with a text in each cell."""
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if max(shares.shape) > 30:  # texts could not be read
        return
    plain = {"parse_math": False}  # a class may be called $
    axes.set_xticks(range(shares.shape[1]), shares.columns, rotation=30, ha="right", **plain)
    axes.set_yticks(range(shares.shape[0]), shares.index, **plain)
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share > 0.6 else "black"
        axes.text(column, row, f"{texts[row, column]:.3g}", ha="center", va="center", color=color)
