"""Test what TensorBoard reads of a run."""

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from the_package.track_tensorboard import track


def read(run: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"tensors": 0})
    events.Reload()
    curves = {}
    for name in events.Tags()["tensors"]:
        found = events.Tensors(name)
        values = [tensor_util.make_ndarray(event.tensor_proto).item() for event in found]
        curves[name] = list(zip([event.step for event in found], values, strict=True))
    return curves


def test_each_log_is_a_curve_over_epochs_before_training_ends(tmp_path: Path) -> None:
    callback = track(tmp_path)
    for epoch in range(3):
        callback.on_epoch_end(epoch, {"loss": 1 / (epoch + 1), "task_weight": 2.0 + epoch})
    curves = read(tmp_path)
    assert curves["loss"] == [(epoch, pytest.approx(1 / (epoch + 1))) for epoch in range(3)]
    assert curves["task_weight"] == [(0, 2.0), (1, 3.0), (2, 4.0)]
    callback.on_train_end({})


def test_a_resumed_run_appends_to_its_curves(tmp_path: Path) -> None:
    for epoch in range(2):
        callback = track(tmp_path)
        callback.on_epoch_end(epoch, {"loss": float(epoch), "val_task_loss": np.nan})
        callback.on_train_end({})
    curves = read(tmp_path)
    assert curves["loss"] == [(0, 0.0), (1, 1.0)]
    assert np.isnan([value for _, value in curves["val_task_loss"]]).all()
