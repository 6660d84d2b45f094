from pathlib import Path

from . import streaming
from .config import TrainingOptions
from .data import Splits
from .inputs import InputSchema
from .sample import write_sample


def read_splits(options: TrainingOptions, like: InputSchema | None = None) -> Splits:
    """Read the Parquet table of --data, or the sample. Raises InputError."""
    path = options.data or streaming.convert(write_sample(Path("data")))
    splits = streaming.load(path, options.seed, like)
    print(f"{path}: {splits.schema.inputs.summary()}")
    return splits
