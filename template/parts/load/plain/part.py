from pathlib import Path

from . import InputError, data
from .config import TrainingOptions
from .data import Splits
from .sample import write_sample


def load(options: TrainingOptions) -> Splits:
    """Read the table of --data, or the sample; print what is in it. Raises InputError."""
    path = options.data or write_sample(Path("data"))
    splits = data.load(path, options.seed)
    print(f"{path}: {splits.schema.inputs.summary()}")
    missing = splits.unlabeled()
    unknown = {f"val_{name}_loss" for name in missing}
    if options.monitor in unknown or len(missing) == len(splits.schema.tasks):
        raise InputError(f"--monitor {options.monitor}: no validation row has a label; add some")
    for name in missing:
        print(f"Warning: no validation row has a label for '{name}'; early stopping ignores it.")
    return splits
