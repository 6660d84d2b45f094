"""The directory of a run: claimed, filled while training, resumed, and read again."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from . import InputError, config
from .data import Schema, Splits

# What may differ when a run is resumed; the content of the table may not.
MAY_DIFFER = {"resume", "run", "data", "epochs", "patience"}


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary path; rename it to `path` if the block succeeds."""
    draft = path.with_name(f".draft-{path.name}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a value as JSON."""
    with replaced(path) as draft:
        draft.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run. Raises InputError."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}; is {path.parent} a run?") from None


@contextlib.contextmanager
def claim(run: Path | None, resume: Path | None) -> Iterator[Path]:
    """Lock the directory of a run, by default a new one. Raises InputError."""
    path = resume or run or Path("runs", f"{datetime.now():%Y%m%d-%H%M%S-%f}")
    if resume and not (path / "config.json").is_file():
        raise InputError(f"--resume {path}: is not a run; start one with --run")
    path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path / ".lock", blocking=False):
            files = {file.name for file in path.iterdir() if not file.name.startswith(".draft-")}
            if not resume and files != {".lock"}:  # a killed training may have left drafts
                raise InputError(f"{path} is not empty; give another --run, or --resume {path}")
            try:
                yield path
            except InputError:  # before an epoch, nothing is left of a new run
                if not resume and not (path / "last.npz").exists():
                    shutil.rmtree(path, ignore_errors=True)
                raise
    except Timeout:
        raise InputError(f"{path} is in use by another training; give another --run") from None


def settings(options: config.TrainingOptions | None = None) -> dict[str, Any]:
    """Collect the constants of config.py and the options, as JSON values."""
    found = {name: value for name, value in vars(config).items() if name.isupper()}
    found |= vars(options) if options else {}
    return json.loads(json.dumps(found, default=lambda v: getattr(v, "__dict__", str(v))))


def write_settings(run: Path, options: config.TrainingOptions, splits: Splits) -> None:
    """Write config.json and schema.json. Raises InputError if a resumed run had others."""
    now = settings(options) | {"table": splits.digest}
    if options.resume:
        check_same(run, now)
    write_json(run / "config.json", now)
    write_json(run / "schema.json", asdict(splits.schema))


def check_same(run: Path, now: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a run. Raises InputError if they differ from `now`."""
    saved = read_json(run / "config.json")
    for name in sorted(now.keys() - MAY_DIFFER):
        if saved.get(name) != now[name]:
            what = f"{name} is {now[name]}, but {run} was trained with {saved.get(name)}"
            raise InputError(f"{what}; change it back, or train anew")
    return saved


def saved_options(run: Path) -> config.TrainingOptions:
    """Read the options that a run was started with, to resume it. Raises InputError."""
    saved, given = check_same(run, settings()), dict[str, Any]()
    try:
        for name, default in vars(config.TrainingOptions()).items():
            kind = Path if default is None else type(default)
            given[name] = None if saved[name] is None else kind(saved[name])
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{run / 'config.json'} is not usable: {error!r}; train anew") from None
    return config.TrainingOptions(**given | {"resume": run, "run": run})


def load_run(run: Path) -> tuple[keras.Model, Schema]:
    """Read the model of a run's best epoch, and the schema of its table. Raises InputError."""
    check_same(run, {name: settings()[name] for name in ("TASKS", "INPUTS")})
    try:
        schema = Schema.from_json(read_json(run / "schema.json"))
        return keras.models.load_model(run / "best.keras"), schema
    except Exception as error:  # a damaged file can fail in many ways
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{run} has no usable model: {reason}; train anew") from None


def state(model: keras.Model) -> list[keras.Variable]:
    """List all that training changes: weights, random seeds of layers, the optimizer's state."""
    return [*model.variables, *model.optimizer.variables]


def restore(run: Path, model: keras.Model) -> list[dict[str, Any]]:
    """Put a compiled model into a run's last state; return the logs so far. Raises InputError."""
    if not (run / "last.npz").is_file():
        return []  # no epoch was written
    try:
        *values, epochs = np.load(run / "last.npz").values()
        history = pd.read_csv(run / "history.csv", float_precision="round_trip").head(int(epochs))
        if list(history["epoch"]) != list(range(epochs)):
            raise ValueError("history.csv lacks epochs")
        for variable, value in zip(state(model), values, strict=True):
            variable.assign(value)
    except Exception as error:  # a damaged file can fail in many ways
        raise InputError(f"{run} cannot be resumed: {error}; train anew") from None
    return [{str(name): value for name, value in row.items()} for row in history.to_dict("records")]


class Checkpoint(keras.callbacks.Callback):
    """Keep the history, the best model and the state to resume from; stop early.

    Keras's callbacks can leave half a file if the process is killed, and forget the epochs before a
    resume. Here each file is replaced as a whole, last.npz last.
    """

    def __init__(
        self, run: Path, best: keras.Model, network: keras.Model, monitor: str, patience: int
    ) -> None:
        super().__init__()
        self.run, self.best, self.network = run, best, network
        self.monitor, self.patience = monitor, max(1, patience)
        self.history: list[dict[str, Any]] = []
        self.due, self.written, self.improved = 0.0, 0, False

    @property
    def wait(self) -> int:
        """Epochs since the monitored loss was lowest."""
        losses = [np.inf, *(row[self.monitor] for row in self.history)]
        return len(self.history) - int(np.nanargmin(losses))

    @property
    def over(self) -> bool:
        """Whether it is time to stop early."""
        return self.wait >= self.patience

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record an epoch; write files at most 5 % of the time."""
        self.history.append({"epoch": epoch, **(logs or {})})
        if self.wait == 0:
            self.best.set_weights(self.network.get_weights())
            self.improved = True
        if self.over:
            self.model.stop_training = True
        if time.monotonic() > self.due:
            self.write()

    def write(self) -> None:
        """Write all files, at the end of an epoch."""
        start = time.monotonic()
        with replaced(self.run / "history.csv") as path:
            pd.DataFrame(self.history).to_csv(path, index=False)
        if self.improved:
            with replaced(self.run / "best.keras") as path:
                self.best.save(path)
        with replaced(self.run / "last.npz") as path:
            np.savez(path, *map(keras.ops.convert_to_numpy, state(self.model)), len(self.history))
        self.written, self.improved = len(self.history), False
        self.due = time.monotonic() + 20 * (time.monotonic() - start)
