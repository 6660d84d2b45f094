from pathlib import Path

from . import config
from .__main__ import check_least, check_options


def compare(
    data: Path | None = None,
    out: Path = Path("comparison"),
    seeds: int = 5,
    epochs: int = config.TrainingOptions.epochs,
    batch_size: int = config.TrainingOptions.batch_size,
    learning_rate: float = config.TrainingOptions.learning_rate,
    patience: int = config.TrainingOptions.patience,
) -> None:
    """Train the network, and one for each task alone, and compare their scores.

    Args:
        data: Table (CSV or Parquet); without it, a sample data set.
        out: Directory of the results; the same command resumes a comparison that was interrupted.
        seeds: How often to train each network, from other initial weights.
        epochs: Passes over the training rows, at most.
        batch_size: Rows in a step.
        learning_rate: Step size of the optimizer.
        patience: Epochs without improvement before a training stops early.
    """
    options = config.TrainingOptions(
        data=data,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
    )
    check_options(options)
    check_least("--epochs", epochs, 2)
    check_least("--seeds", seeds, 2)
    from .compare import compare

    compare(options, out, seeds)
