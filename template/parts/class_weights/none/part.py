import numpy as np

from .kinds import Kind


def label_weights(task: Kind, labels: np.ndarray) -> np.ndarray:
    """Return the weight of each label in the loss of its task: 1."""
    return np.ones(len(labels))
