import numpy as np

from . import InputError


def mean_and_std(name: str, values: np.ndarray) -> tuple[float, float]:
    """Measure mean and standard deviation, 1 if all values are equal. Raises InputError."""
    mean, std = float(values.mean(dtype="float64")), float(values.std(dtype="float64"))
    if values.min() == values.max():
        return mean, 1.0
    if std < max(1e-6, 1e-5 * abs(mean)):
        what = f"{mean:g} ± {std:g} varies too little for single precision"
        raise InputError(f"column '{name}': {what}; subtract {mean:g}, or choose a smaller unit")
    return mean, std
