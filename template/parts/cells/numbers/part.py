import numpy as np
import pandas as pd

from . import InputError


def to_numbers(cells: pd.Series) -> np.ndarray:
    """Read cells as float64, NaN where one is empty. Raises InputError."""
    if cells.dtype.kind in "mM":
        raise InputError(f"column '{cells.name}' has dates; write numbers instead, such as days")
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy("float64", na_value=np.nan)
    bad = np.flatnonzero(~(np.abs(numbers) < 1e18) & cells.notna().to_numpy())
    if len(bad):
        where = f"row {cells.index[bad[0]] + 1}, column '{cells.name}'"
        raise InputError(f"{where}: '{cells.iloc[bad[0]]}' is not a number; leave the cell empty")
    return numbers


def mean_and_std(name: str, values: np.ndarray) -> tuple[float, float]:
    """Measure mean and deviation, which is 1 where all values are equal. Raises InputError."""
    mean, std = float(values.mean(dtype="float64")), float(values.std(dtype="float64"))
    if values.min() == values.max():
        return mean, 1.0
    if std < max(1e-6, 1e-5 * abs(mean)):
        what = f"{mean:g} ± {std:g} is beyond single precision"
        raise InputError(f"column '{name}': {what}; subtract {mean:g}, or choose another unit")
    return mean, std
