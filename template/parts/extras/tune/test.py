"""Tuning: a study of few short trials, and what is made of it."""

import json

import optuna
import pandas as pd
import pytest

from the_package import InputError, config, tune


@pytest.fixture(scope="module")
def settings(options):
    """What all trials have in common."""
    return config.TrainingOptions(data=options.data, epochs=1)


@pytest.fixture(scope="module")
def out(settings, tmp_path_factory):
    """The directory of a study that was resumed, from two trials to three."""
    out = tmp_path_factory.mktemp("study") / "tuning"
    with pytest.MonkeyPatch.context() as patch:
        for name, (least, _) in tune.LAYERS.items():
            patch.setattr(config, name.upper(), getattr(config, name.upper()))
            patch.setitem(tune.LAYERS, name, (least, 1))
        for trials in (2, 3):
            tune.tune(settings, out, trials)
    return out


def trials_of(out):
    """Read all trials of a study."""
    return optuna.load_study(study_name="tune", storage=f"sqlite:///{out / 'study.db'}").trials


def best_of(out):
    """Read the best answers of a study."""
    lines = (out / "best.yml").read_text().splitlines()
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in lines)}


def test_second_command_resumes_the_study(out):
    assert sorted(path.name for path in (out / "trials").iterdir()) == ["0", "1", "2"]
    assert {trial.state.name for trial in trials_of(out)} == {"COMPLETE"}


def test_best_answers_have_the_lowest_sum_of_validation_losses(out):
    sums = []
    for trial in trials_of(out):
        history = pd.read_csv(out / "trials" / str(trial.number) / "history.csv")
        sums.append(sum(history[f"val_{task.name}_loss"][0] for task in config.TASKS))
        assert trial.values == [pytest.approx(sums[-1], rel=1e-12)]
    assert best_of(out) == trials_of(out)[sums.index(min(sums))].user_attrs["answers"]


def test_trial_is_a_run_with_its_answers(out):
    for trial in trials_of(out):
        answers = trial.user_attrs["answers"]
        saved = json.loads((out / "trials" / str(trial.number) / "config.json").read_text())
        assert answers.keys() == {*tune.LAYERS, "learning_rate"}
        assert saved["learning_rate"] == answers["learning_rate"]
        for name in tune.LAYERS:
            assert ", ".join(map(str, saved[name.upper()])) == answers[name]


def test_interrupted_trial_fails_and_the_report_is_printed(out, settings, monkeypatch, capsys):
    def interrupt(options, splits):
        raise KeyboardInterrupt

    best = best_of(out)
    monkeypatch.setattr(tune, "measure", interrupt)
    for name in tune.LAYERS:
        monkeypatch.setattr(config, name.upper(), getattr(config, name.upper()))
    tune.tune(settings, out, 4)
    assert "The best of 3 trials" in capsys.readouterr().out and best_of(out) == best
    assert trials_of(out)[3].state.name == "FAIL"


def test_study_that_cannot_be_used_is_refused(out, settings, tmp_path):
    other = config.TrainingOptions(data=settings.data, epochs=2)
    with pytest.raises(InputError, match="epochs is 2, but 1"):
        tune.tune(other, out, 9)
    with pytest.raises(InputError, match="has no study"):
        tune.tune(settings, out / "trials", 9)
    (tmp_path / "study.db").write_text("damaged")
    with pytest.raises(InputError, match="not usable"):
        tune.tune(settings, tmp_path, 9)
