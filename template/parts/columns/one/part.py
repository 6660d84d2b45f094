from collections.abc import Iterable

import pandas as pd

from . import config
from .tables import pick


def split_columns(table: pd.DataFrame, features: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Select the features of the one input, those named or all. Raises InputError."""
    others = {"split", *(task.name for task in config.TASKS)}
    found = features or [column for column in table.columns if column not in others]
    return {name: pick(table, {column: column for column in found}) for name in config.INPUTS}
