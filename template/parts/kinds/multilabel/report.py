import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.metrics import multilabel_confusion_matrix

from .kinds import Multilabel
from .report import draw_errors, heatmap


@draw_errors.register
def _(task: Multilabel, axes: Axes, labels: np.ndarray, predicted: np.ndarray) -> None:
    counts = multilabel_confusion_matrix(labels, predicted > 0.5).reshape(-1, 4)
    columns = ["rightly absent", "wrongly given", "missed", "rightly given"]
    heatmap(axes, pd.DataFrame(counts / len(labels), list(task.classes), columns), counts)
    axes.set(title="labels, in rows")
