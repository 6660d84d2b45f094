import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras.callbacks import Callback, LambdaCallback

from . import epochs, runs
from .config import TrainingOptions
from .data import Splits
from .epochs import Pieces
from .model import build_model
from .train import compile_model, log_losses
from .transfer import start_from


class StagedCheckpoint(runs.Checkpoint):
    """Stop early only once the trunk is trained, and has been for `patience` epochs."""

    unfreeze_after = 0

    @property
    def over(self) -> bool:
        """Whether it is time to stop early."""
        return min(self.wait, len(self.history) - self.unfreeze_after) >= self.patience


def fit(options: TrainingOptions, splits: Splits, run: Path, callbacks: Sequence[Callback]) -> None:
    """Train until the last epoch or early stopping; Ctrl-C keeps the epochs written so far.

    With --unfreeze-after, the trunk is frozen in a first stage and trained in a second one, which
    starts with a new optimizer.
    """
    frozen = (options.unfreeze_after or options.epochs) if options.freeze_trunk else 0
    best = build_model(splits.schema)  # saved in float32, which any machine can use
    keras.config.set_dtype_policy(options.precision)
    network = build_model(splits.schema)
    keras.config.set_dtype_policy("float32")
    pieces = Pieces(splits.train, network, options.batch_size, options.seed)
    shuffle = LambdaCallback(on_epoch_begin=pieces.begin)
    done = written_epochs(run)
    if options.trunk_from and not done:
        start_from(options.trunk_from, network)

    def compiled(trained: bool) -> keras.Model:
        network.get_layer("trunk").trainable = trained
        keras.utils.set_random_seed(options.seed)  # as where the run is resumed here
        model = compile_model(network, splits.schema.tasks, options.learning_rate)
        model.optimizer.build(model.trainable_variables)
        return model

    model = compiled(max(1, done) > frozen)
    checkpoint = StagedCheckpoint(run, best, network, options.monitor, options.patience)
    checkpoint.unfreeze_after = options.unfreeze_after
    if options.resume:
        checkpoint.history = runs.restore(run, model)
        checkpoint.written = len(checkpoint.history)
    try:
        for end in (frozen, options.epochs):
            first = len(checkpoint.history)
            if first >= end or checkpoint.over:
                continue
            if 0 < first == frozen:
                model = compiled(True)
            epochs.fit(
                model,
                pieces,
                splits.validation,
                initial_epoch=first,
                epochs=end,
                callbacks=[shuffle, log_losses(splits), *callbacks, checkpoint],
                verbose=1 if sys.stdout.isatty() else 2,  # a bar, or a line for each epoch
            )
            checkpoint.write()
    except KeyboardInterrupt:  # the files are those of the last epoch written
        print(f"\nInterrupted after {checkpoint.written} epochs. To resume:")
        print(f"python -m {__package__} train --resume {shlex.quote(str(run))}\n")
        if not checkpoint.written:
            raise


def written_epochs(run: Path) -> int:
    """Count the epochs in last.npz; where it is damaged, `runs.restore` says so."""
    try:
        with np.load(run / "last.npz") as saved:
            return int(saved[saved.files[-1]])
    except Exception:  # a damaged file can fail in many ways
        return 0
