"""Log each epoch for TensorBoard, which shows the curves of all runs side by side.

tensorboard --logdir runs
"""

from pathlib import Path
from typing import Any

import keras
from tensorboard.summary import Writer


def track(run: Path) -> keras.callbacks.Callback:
    """Make a callback that writes the columns of history.csv to RUN/tensorboard.

    Keras's own needs TensorFlow, and logs each validation a second time. A resumed run adds to what
    is there.
    """
    writer = Writer(str(run / "tensorboard"))

    def write(epoch: int, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    return keras.callbacks.LambdaCallback(
        on_epoch_end=write, on_train_end=lambda logs: writer.close()
    )
