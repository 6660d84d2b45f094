from pathlib import Path

from . import config
from .__main__ import check_least, check_options


def tune(
    data: Path | None = None,
    trials: int = 50,
    out: Path = Path("tuning"),
    epochs: int = 100,
    patience: int = 10,
    seed: int = 0,
) -> None:
    """Search for sizes and a learning rate that suit a table, by the validation losses.

    The same command resumes; started several times at once, all work on one study.

    Args:
        data: Table, CSV or Parquet; without it, the sample data set.
        trials: Complete trials of the study, those of earlier and other processes included.
        out: Directory of the study.
        epochs: Passes over the training rows in a trial, at most.
        patience: Epochs without improvement before a trial stops early.
        seed: Decides the split, the initial weights and the order of the rows in each trial.
    """
    check_least("--trials", trials, 1)
    options = config.TrainingOptions(data=data, epochs=epochs, patience=patience, seed=seed)
    check_options(options)
    from .tune import tune

    tune(options, out, trials)
