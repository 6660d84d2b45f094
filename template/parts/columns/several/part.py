import re
from collections.abc import Iterable

import pandas as pd

from . import config
from .tables import pick


def split_columns(table: pd.DataFrame, features: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Select the features of each input, those named or all. Raises InputError."""
    labels = {"split", *(task.name for task in config.TASKS)}
    patterns = sorted(config.INPUTS.values(), key=len, reverse=True)  # the longest that fits counts
    any_input = re.compile("|".join(re.escape(p).replace(r"\{\}", "(.+)") for p in patterns), re.S)
    fits = [any_input.fullmatch(column) for column in table.columns if column not in labels]
    found = features or dict.fromkeys("".join(fit.groups("")) for fit in fits if fit)
    columns = {name: {f: p.replace("{}", f) for f in found} for name, p in config.INPUTS.items()}
    return {name: pick(table, picked) for name, picked in columns.items()}
