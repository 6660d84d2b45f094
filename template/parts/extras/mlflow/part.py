"""Keep runs in MLflow: in `mlruns` beside a run, or where MLFLOW_TRACKING_URI says."""

import os
from pathlib import Path
from typing import Any

from keras.callbacks import Callback, LambdaCallback

from . import InputError
from .runs import read_json, write_json


def connect(run: Path) -> tuple[Any, str]:
    """Find or create the MLflow run of a run's directory; return the client and its id."""
    # MLflow reads these when it is imported: send nothing home, and allow files as a store.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient, MlflowException

    store, known = (run.parent / "mlruns").absolute().as_uri(), run / "mlflow.json"
    try:
        client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI", store))
        if not known.is_file():
            created = client.create_run("0", run_name=run.name)
            for name, value in read_json(run / "config.json").items():
                client.log_param(created.info.run_id, name, value)
            write_json(known, {"run_id": created.info.run_id})
        return client, client.get_run(str(read_json(known).get("run_id"))).info.run_id
    except MlflowException as error:
        raise InputError(f"{known}: {error}; remove it to start another MLflow run") from None


def track(run: Path) -> Callback:
    """Make a callback that logs each epoch; a resumed run continues the same MLflow run."""
    client, run_id = connect(run)
    client.update_run(run_id, status="RUNNING")

    def log(epoch: int, logs: dict[str, float]) -> None:
        for name, value in logs.items():
            client.log_metric(run_id, name, value, step=epoch)

    return LambdaCallback(on_epoch_end=log)


def keep_files(run: Path) -> None:
    """Copy the files of a trained run, but for the state to resume from."""
    client, run_id = connect(run)
    for path in run.glob("[!.]*"):
        if path.is_file() and path.name != "last.npz":
            client.log_artifact(run_id, str(path))
    client.set_terminated(run_id)
