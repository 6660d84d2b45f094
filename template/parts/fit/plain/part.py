import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
from keras.callbacks import Callback, LambdaCallback

from . import epochs, runs
from .config import TrainingOptions
from .data import Splits
from .epochs import Pieces
from .model import build_model
from .train import compile_model, log_losses


def fit(options: TrainingOptions, splits: Splits, run: Path, callbacks: Sequence[Callback]) -> None:
    """Train until the last epoch or early stopping; Ctrl-C keeps the epochs written so far."""
    best = build_model(splits.schema)  # saved in float32, which any machine can use
    keras.config.set_dtype_policy(options.precision)
    network = build_model(splits.schema)
    keras.config.set_dtype_policy("float32")
    pieces = Pieces(splits.train, network, options.batch_size, options.seed)
    shuffle = LambdaCallback(on_epoch_begin=pieces.begin)
    model = compile_model(network, splits.schema.tasks, options.learning_rate)
    model.optimizer.build(model.trainable_variables)
    checkpoint = runs.Checkpoint(run, best, network, options.monitor, options.patience)
    if options.resume:
        checkpoint.history = runs.restore(run, model)
        checkpoint.written = len(checkpoint.history)
    if checkpoint.over:
        return print(f"{run} has stopped early; a larger --patience continues it.")
    try:
        epochs.fit(
            model,
            pieces,
            splits.validation,
            initial_epoch=len(checkpoint.history),
            epochs=options.epochs,
            callbacks=[shuffle, log_losses(splits), *callbacks, checkpoint],
            verbose=1 if sys.stdout.isatty() else 2,  # a bar, or a line for each epoch
        )
        checkpoint.write()
    except KeyboardInterrupt:  # the files are those of the last epoch written
        print(f"\nInterrupted after {checkpoint.written} epochs. To resume:")
        print(f"python -m {__package__} train --resume {shlex.quote(str(run))}\n")
        if not checkpoint.written:
            raise
