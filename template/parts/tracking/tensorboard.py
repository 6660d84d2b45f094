{% set why = 'the logs, for TensorBoard' %}
{% set package = 'tensorboard>=2.20' %}
{% set does %}
TensorBoard shows a run while it trains, and lays runs over one another; its files are in the directory
`tensorboard` of each run. Open the address that it prints:
{% endset %}
{% set command = 'tensorboard --logdir runs' %}
{% set leaves = '"tensorboard"' %}
{#- Keras's own callback needs TensorFlow, and one number of each log of a batch. -#}
{% set stacked = num_tasks > 1 and heads == 'stacked' %}
{% set own = backend == 'jax' or stacked %}
"""Each epoch's logs for TensorBoard, which shows them while a run trains.

tensorboard --logdir runs
"""

from pathlib import Path
{% if own %}
from typing import Any
{% endif %}

from keras import callbacks
{% if own %}
from tensorboard.summary import Writer
{% endif %}


{% if not own %}
def track(run: Path) -> callbacks.Callback:
    """Write the logs of each epoch to `run`/tensorboard, as Keras does."""
    return callbacks.TensorBoard(run / "tensorboard", write_graph=False)
{% else %}
def track(run: Path) -> callbacks.Callback:
    """Write the logs of each epoch to `run`/tensorboard, under the names of history.csv.

{% if backend == 'jax' %}
    Keras's own callback needs TensorFlow to write; TensorBoard's writer needs NumPy only.
{% else %}
    Keras's own callback takes no batch whose logs are one array for several tasks.
{% endif %}
    """
    writer = Writer(str(run / "tensorboard"))

    def write(epoch: int, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    return callbacks.LambdaCallback(on_epoch_end=write, on_train_end=lambda logs: writer.close())
{% endif %}
{% set tests %}
"""What TensorBoard reads of a run."""

from pathlib import Path

import numpy as np
import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util


def test_tensorboard_reads_the_values_of_history_csv(run):
{% if not own %}
    parts = {name: read(run / "tensorboard" / name) for name in ("train", "validation")}
    history = pd.read_csv(run / "history.csv", index_col="epoch")
    for column in history:
        part = parts["validation" if column.startswith("val_") else "train"]
        values = part["epoch_" + column.removeprefix("val_")]
        np.testing.assert_array_equal([step for step, _ in values], history.index)
        np.testing.assert_allclose([v for _, v in values], history[column], rtol=1e-6)
{% else %}
    written = read(run / "tensorboard")
    history = pd.read_csv(run / "history.csv", index_col="epoch")
    assert written.keys() == set(history)
    for column, values in written.items():
        np.testing.assert_array_equal([step for step, _ in values], history.index)
        np.testing.assert_allclose([v for _, v in values], history[column], rtol=1e-6)
{% endif %}


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by name, all of them."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    series = {}
    for name in events.Tags()["tensors"]:
        values = [tensor_util.make_ndarray(e.tensor_proto).item() for e in events.Tensors(name)]
        steps = [event.step for event in events.Tensors(name)]
        series[name] = list(zip(steps, values, strict=True))
    return series
{% endset %}
