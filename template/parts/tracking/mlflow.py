{% set why = 'the logs and settings of each run, for MLflow' %}
{% set package = 'mlflow-skinny>=3.17' %}
{% set does %}
MLflow keeps the settings and the logs of each run in `mlruns` beside it, as files on this machine; it sends
nothing anywhere (`__init__.py` says so to it). `tracking.py` says where to; a server's address will do. To
look at them in a browser, in an environment of its own (all of MLflow is large):
{% endset %}
{% set command = 'pip install mlflow\nMLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri runs/mlruns' %}
{% set leaves = '"mlflow_run_id"' %}
{% set environment %}
# MLflow reads these: it sends nothing home, and keeps runs as files.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
{% endset %}
"""The settings of a run and each epoch's logs in MLflow, as files in `mlruns` beside the run."""

import json
from pathlib import Path
from typing import Any

import mlflow
from keras import callbacks
from mlflow.keras import MlflowCallback


class Tracker(MlflowCallback):
    """MLflow's own callback, which logs the optimizer, the layers and each epoch's logs."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Nothing: the logs of the epoch have the validation too."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Write what is not written yet."""
        mlflow.end_run()


def track(run: Path) -> callbacks.Callback:
    """Log each epoch, and the settings, to a run of MLflow; the same one if `run` goes on."""
    mlflow.end_run()  # of a training that was interrupted
    mlflow.set_tracking_uri((run.parent / "mlruns").absolute().as_uri())
    known = run / "mlflow_run_id"
    if known.exists():
        mlflow.start_run(known.read_text())
    else:
        known.write_text(mlflow.start_run(run_name=run.name).info.run_id)
        mlflow.log_params(json.loads((run / "config.json").read_text())["training"])
    return Tracker()
{% set tests %}
"""What MLflow has of a run."""

import json

import numpy as np
import pandas as pd
from mlflow.telemetry import get_telemetry_client
from mlflow.tracking import MlflowClient


def test_mlflow_has_the_settings_and_the_values_of_history_csv(run):
    client = MlflowClient((run.parent / "mlruns").absolute().as_uri())
    [found] = client.search_runs(["0"], f"attributes.run_name = '{run.name}'")
    assert found.info.status == "FINISHED"
    for name, value in json.loads((run / "config.json").read_text())["training"].items():
        assert found.data.params[name] == str(value)
    history = pd.read_csv(run / "history.csv", index_col="epoch", float_precision="round_trip")
    assert found.data.metrics.keys() == set(history)
    for column in history:
        values = client.get_metric_history(found.info.run_id, column)
        values.sort(key=lambda value: value.step)  # several threads write them
        np.testing.assert_array_equal([value.step for value in values], history.index)
        np.testing.assert_array_equal([value.value for value in values], history[column])


def test_mlflow_sends_nothing_home():
    assert get_telemetry_client() is None
{% endset %}
