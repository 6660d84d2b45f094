import numpy as np

from .kinds import ClassKind, Kind


def label_weights(task: Kind, labels: np.ndarray) -> np.ndarray:
    """Weight what each label counts in the loss of its task: all classes count the same.

    A label counts 1 / (classes * the share of its class in the training rows). It counts 1 where
    no training row has its class, or labels are not one class of several.
    """
    if not isinstance(task, ClassKind) or labels.shape[1] > 1:
        return np.ones(len(labels))
    shares = np.array(task.shares)
    weights = np.divide(1 / len(shares), shares, out=np.ones(len(shares)), where=shares > 0)
    return weights[labels[:, 0].astype(int)]
