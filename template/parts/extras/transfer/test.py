"""Transfer: what is copied from another run, what stays frozen, and what resumes."""

import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from the_package import InputError, config, runs, transfer
from the_package.model import build_model
from the_package.train import train


class Trunk(keras.callbacks.Callback):
    """Keep the trunk's weights of each epoch; press Ctrl-C in one of them."""

    def __init__(self, interrupted=None):
        super().__init__()
        self.interrupted, self.weights = interrupted, []

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.interrupted:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        network = getattr(self.model, "network", self.model)
        self.weights.append(network.get_layer("trunk").get_weights())


def same(ours, theirs):
    """Tell whether all arrays are equal to the last bit."""
    return all(map(np.array_equal, ours, theirs))


@pytest.fixture(scope="module")
def staged(run, options):
    """A run with another's trunk, frozen in the first two of four epochs; its weights."""
    trunk, path = Trunk(), run.with_name("staged")
    extra = {"trunk_from": run, "freeze_trunk": True, "unfreeze_after": 2, "epochs": 4}
    train(replace(options, run=path, seed=1, patience=1, **extra), [lambda run: trunk])
    return path, trunk.weights


def test_trunk_is_bit_equal_until_it_is_unfrozen(run, staged):
    source = runs.load_run(run)[0].get_layer("trunk").get_weights()
    weights = staged[1]
    assert same(weights[0], source) and same(weights[1], source)
    assert not source or not same(weights[2], source)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_each_stage_resumes_to_the_same_history(epoch, staged, monkeypatch):
    monkeypatch.setattr(runs.Checkpoint, "due", property(lambda _: 0.0, lambda *_: None), False)
    cut = staged[0].with_name(f"cut{epoch}")
    saved = replace(runs.saved_options(staged[0]), run=cut, resume=None)
    train(saved, [lambda run: Trunk(interrupted=epoch)])
    train(runs.saved_options(cut))
    whole, resumed = (pd.read_csv(run / "history.csv") for run in (staged[0], cut))
    pd.testing.assert_frame_equal(resumed, whole, check_exact=True)


def test_inputs_have_the_statistics_of_the_other_run(run, staged):
    ours, theirs = (json.loads((path / "schema.json").read_text()) for path in (staged[0], run))
    assert ours["inputs"] == theirs["inputs"]


def test_heads_of_the_same_name_kind_and_sizes_are_copied(run, tmp_path, capsys):
    source, schema = runs.load_run(run)
    network, names = build_model(schema), [task.name for task in config.TASKS]
    transfer.start_from(run, network)
    assert capsys.readouterr().out.endswith(f"trunk, heads of {', '.join(names)}.\n")
    for ours, theirs in zip(network.layers, source.layers, strict=True):
        if any(part in ours.name for part in ("trunk", "_hidden_", "_logits", "shared_output")):
            assert same(ours.get_weights(), theirs.get_weights())
    copy = shutil.copytree(run, tmp_path / "run")
    saved = json.loads((copy / "config.json").read_text())
    saved["TASKS"][0]["name"] = "other"
    (copy / "config.json").write_text(json.dumps(saved))
    transfer.start_from(copy, network)
    assert capsys.readouterr().out.endswith(
        f"trunk, heads of {', '.join(names[1:])}.\n" if names[1:] else "trunk.\n"
    )


def test_unusable_trunk_is_refused_before_training(run, options, tmp_path, monkeypatch):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "best.keras").write_text("damaged")
    new = replace(options, run=tmp_path / "new")
    with pytest.raises(InputError, match="no usable trunk"):
        train(replace(new, trunk_from=copy))
    monkeypatch.setattr(config, "TRUNK_UNITS", (5,))
    with pytest.raises(InputError, match="change the sizes"):
        train(replace(new, trunk_from=run))
    assert not new.run.exists()
