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
        cell = str(cells.iloc[bad[0]])[:60]
        raise InputError(f"{where}: '{cell}' is not a number below 1e18; correct it")
    return numbers
