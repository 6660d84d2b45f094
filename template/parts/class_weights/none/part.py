import numpy as np

from .kinds import Kind


def label_weights(task: Kind, labels: np.ndarray) -> np.ndarray:
    """Weight what each label counts in the loss of its task: all count the same."""
    return np.ones(len(labels))
