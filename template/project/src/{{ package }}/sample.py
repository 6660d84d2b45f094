"""A sample table: inputs and labels are computed from the same hidden factors."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import InputError, config
from .inputs import FACTORS, sample_columns
from .kinds import TASKS


def write_sample(folder: Path, rows: int = 600, seed: int = 0) -> Path:
    """Write sample.csv, and the files that it names, into a folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    factors = {name: rng.beta(1, 3, (rows, FACTORS)) for name in config.INPUTS}
    table: dict[str, Any] = {}
    for name in config.INPUTS:
        table |= sample_columns(name, factors[name], folder, rng)
    for task in TASKS:
        own = [values for name, values in factors.items() if name.startswith(f"{task.name}_")]
        read = np.stack(own or list(factors.values()))
        score = (read.mean(axis=0) + 5 * read.var(axis=0)) @ rng.uniform(0.5, 1.5, FACTORS)
        labels = task.sample_labels((score - score.mean()) / score.std())
        table[task.name] = pd.Series(labels, dtype=object).where(rng.random(rows) < 0.9, None)
    path, text = folder / "sample.csv", pd.DataFrame(table).to_csv(index=False)
    if path.exists() and path.read_text() != text:
        raise InputError(f"{path} is not this sample; give it to --data, or remove it")
    path.write_text(text)
    return path
