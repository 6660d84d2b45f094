"""Log each epoch for TensorBoard, which shows the curves of all runs side by side.

tensorboard --logdir runs
"""

from pathlib import Path

from keras.callbacks import Callback, LambdaCallback
from tensorboard.summary import Writer


def track(run: Path) -> Callback:
    """Make a callback that writes each log to RUN/tensorboard; a resumed run appends to it.

    Keras's own callback needs TensorFlow, and logs each validation twice.
    """
    writer = Writer(str(run / "tensorboard"))

    def write(epoch: int, logs: dict[str, float]) -> None:
        for name, value in logs.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    return LambdaCallback(on_epoch_end=write, on_train_end=lambda logs: writer.close())
