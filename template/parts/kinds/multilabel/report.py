import numpy as np
import pandas as pd
from sklearn.metrics import multilabel_confusion_matrix

from .kinds import Multilabel
from .report import as_table, show_calibration, show_errors


@show_errors.register
def _(task: Multilabel, labels: np.ndarray, predicted: np.ndarray) -> str:
    counts = multilabel_confusion_matrix(labels, predicted > 0.5).reshape(-1, 4)
    columns = ["rightly absent", "wrongly given", "missed", "rightly given"]
    table = as_table(pd.DataFrame(counts, list(task.classes), columns))
    return table + show_calibration(labels.ravel(), predicted.ravel())
