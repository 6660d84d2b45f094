import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from .kinds import ClassKind
from .report import as_table, describe, show_errors
from .tables import listed


@describe.register
def _(task: ClassKind) -> str:
    shares = zip(task.classes, task.shares, strict=True)
    return f"Classes, and their shares in training: {listed(f'{c} {s:.1%}' for c, s in shares)}."


@show_errors.register
def _(task: ClassKind, labels: np.ndarray, predicted: np.ndarray) -> str:
    names = np.array(task.classes, dtype=object)
    counts = confusion_matrix(names[labels[:, 0].astype(int)], task.likely(predicted), labels=names)
    return as_table(pd.DataFrame(counts, pd.Index(names, name="label"), "predicted " + names))
