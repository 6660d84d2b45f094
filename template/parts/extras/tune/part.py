import contextlib
import io
import json
import math
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import optuna
import pandas as pd
from filelock import FileLock
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from . import InputError, config, runs
from .config import TrainingOptions
from .data import Splits
from .train import fit, load
from .tune import LAYERS


def tune(options: TrainingOptions, out: Path, trials: int) -> None:
    """Run trials until a study has enough, and write the best answers. Raises InputError."""
    if not (out / "study.db").is_file() and (out.is_file() or any(out.glob("[!.]*"))):
        raise InputError(f"{out} exists already and has no study; give another --out")
    splits = load(options)
    study = open_study(out, options, splits)
    try:
        search(study, out, options, splits, trials)
    except KeyboardInterrupt:
        print("\nInterrupted; the same command resumes.")
    report(study, out)


def open_study(out: Path, options: TrainingOptions, splits: Splits) -> optuna.Study:
    """Create the study of a directory, or open it to resume it. Raises InputError."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    out.mkdir(parents=True, exist_ok=True)
    path, wait = out / "study.db", {"timeout": 60}  # seconds, while another process writes
    try:
        with FileLock(out / ".lock"):
            storage = RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": wait})
            study = optuna.create_study(storage=storage, study_name="tune", load_if_exists=True)
    except Exception as error:  # a damaged file can fail in many ways
        raise InputError(f"{path} is not usable: {str(error).splitlines()[0]}; remove it") from None
    # What trials must have in common, so that their losses can be compared.
    free = {*LAYERS, "learning_rate", "run", "data"}
    now = {name: v for name, v in runs.settings(options).items() if name.lower() not in free}
    now["table"] = splits.digest
    before = study.user_attrs.get("settings", now)
    for name, value in now.items():
        if before.get(name) != value:
            what = f"{name} is {value}, but {before.get(name)} in the study of {out}"
            raise InputError(f"{what}; change it back, or give another --out")
    study.set_user_attr("settings", now)
    return study


def search(
    study: optuna.Study, out: Path, options: TrainingOptions, splits: Splits, trials: int
) -> None:
    """Run trials, each a run in `out`/trials, until so many are complete, by any process."""
    while len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) < trials:
        trial = study.ask()
        try:
            answers = suggest(trial)
            trial.set_user_attr("answers", answers)
            run, rate = out / "trials" / str(trial.number), answers["learning_rate"]
            loss = measure(replace(options, run=run, learning_rate=rate), splits)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        study.tell(trial, loss)
        print(f"trial {trial.number}: {loss:.4g} {answers}", flush=True)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Suggest answers to the template, and put their sizes in the place of those of config.py."""
    answers: dict[str, Any] = {}
    for name, (least, most) in LAYERS.items():
        count = trial.suggest_int(f"layers of {name}", least, most)
        sizes = [2 ** trial.suggest_int(f"{name} {i}", 3, 8) for i in range(1, count + 1)]
        setattr(config, name.upper(), tuple(sizes))
        answers[name] = ", ".join(map(str, sizes))
    rate = trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
    return answers | {"learning_rate": float(f"{rate:.3g}")}


def measure(options: TrainingOptions, splits: Splits) -> float:
    """Train once; return the lowest plain sum of the tasks' validation losses."""
    ended: list[Any] = []
    with runs.claim(options.run, None) as run:
        runs.write_settings(run, options, splits)
        keras.utils.clear_session()
        keras.utils.set_random_seed(options.seed)
        with contextlib.redirect_stdout(io.StringIO()):  # a line for each trial is enough
            fit(options, splits, run, [keras.callbacks.LambdaCallback(on_train_end=ended.append)])
    if not ended:
        raise KeyboardInterrupt  # `fit` itself ends with what it has
    history = pd.read_csv(run / "history.csv")
    names = [task.name for task in splits.schema.tasks if task.name not in splits.unlabeled()]
    loss = history[[f"val_{name}_loss" for name in names]].sum(axis=1, skipna=False).min()
    return float(loss) if math.isfinite(loss) else math.inf


def report(study: optuna.Study, out: Path) -> None:
    """Print the best trials, write the answers of the best, and say what to do next."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ranked = sorted((t for t in complete if math.isfinite(t.values[0])), key=lambda t: t.values[0])
    if not ranked:
        raise InputError(f"{out}: no trial ended with a finite loss; run more trials")
    rows = [{"trial": t.number, "loss": t.values[0], **t.user_attrs["answers"]} for t in ranked[:5]]
    print(f"\nThe best of {len(complete)} trials, by the sum of the validation losses:\n")
    print(pd.DataFrame(rows).to_string(index=False))
    answers = ranked[0].user_attrs["answers"].items()
    with runs.replaced(out / "best.yml") as path:
        path.write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in answers))
    print(f"\nTrials, each a run, are in {out / 'trials'}; the best answers in {out / 'best.yml'}.")
    print(f"Next: copier update --defaults --data-file {shlex.quote(str(out / 'best.yml'))}")
