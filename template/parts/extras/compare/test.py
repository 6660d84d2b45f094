"""The comparison of this network with one for each task alone."""

import json
from dataclasses import replace

import numpy as np
import pytest

from the_package import InputError, compare, config
from the_package.kinds import TASKS
from the_package.model import build_model


def result(network, seed, value):
    """Make what a training leaves, with all scores the same."""
    scores = {task.name: dict.fromkeys(task.scores, value) for task in TASKS}
    costs = {"parameters": 1234, "seconds": 1.0}
    return {"network": network, "seed": seed, **costs, "scores": scores}


def test_training_for_one_task_ignores_the_labels_of_others(splits, batch):
    first, second = build_model(splits.schema), build_model(splits.schema)
    second.set_weights(first.get_weights())
    task = splits.schema.tasks[0]
    others = {name: 1 - y if name != task.name else y for name, y in batch.labels.items()}
    before = first.get_weights()
    for network, labels in ((first, batch.labels), (second, others)):
        model = compare.compile_single(network, task, 0.01)
        model.fit(batch.inputs, labels, sample_weight=batch.weights, shuffle=False, verbose=0)
    pairs = list(zip(first.get_weights(), second.get_weights(), strict=True))
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert not all(map(np.array_equal, first.get_weights(), before))


def test_each_network_has_scores_parameters_and_a_time(options, monkeypatch):
    monkeypatch.setitem(compare.NETWORKS, "single_task", [[TASKS[-1]]])
    short = replace(options, epochs=2, batch_size=64)
    for network, count in (("multi_task", len(TASKS)), ("single_task", 1)):
        found = compare.train_network(network, short, compare.train.load(short))
        assert len(found["scores"]) == count and found["parameters"] > 0 and found["seconds"] > 0
        assert all(np.isfinite(list(scores.values())).all() for scores in found["scores"].values())


def test_same_command_trains_only_what_has_no_result(options, tmp_path, monkeypatch):
    trained = []

    def train_network(network, options, splits):
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append((network, options.seed))
        return result(network, options.seed, 0.5)

    monkeypatch.setattr(compare, "train_network", train_network)
    with pytest.raises(KeyboardInterrupt):
        compare.compare(options, tmp_path, seeds=2)
    first, trained = trained, []
    compare.compare(options, tmp_path, seeds=2)
    assert len(first) == 3 and trained == [("single_task", 1)]


def test_results_of_other_settings_are_kept(options, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "train_network", lambda n, o, _: result(n, o.seed, 0.5))
    compare.compare(options, tmp_path, seeds=2)
    kept = (tmp_path / "results.json").read_text()
    with pytest.raises(InputError, match="epochs"):
        compare.compare(replace(options, epochs=7), tmp_path, seeds=2)
    assert (tmp_path / "results.json").read_text() == kept
    assert json.loads(kept)["settings"]["OPTIMIZER"] == config.OPTIMIZER


def test_gains_and_gaps_by_hand(capsys):
    values = {"multi_task": (0.4, 0.6), "single_task": (0.5, 0.5)}
    results = [result(n, seed, v[seed]) for n, v in values.items() for seed in (0, 1)]
    compare.print_tables(results)
    printed = capsys.readouterr().out
    half = 12.706 * 0.1  # Student's t for two seeds times the standard error
    assert f"0.5 ± {half:.2g}" in printed and f"+0 ± {half:.2g}" in printed
    results = [
        result(n, seed, v)
        for n, v in (("multi_task", 0.6), ("single_task", 0.5))
        for seed in (0, 1)
    ]
    compare.print_tables(results)
    printed = capsys.readouterr().out
    signs = [-1 if next(iter(task.scores)) in task.errors else 1 for task in TASKS]
    assert f"{20 * np.mean(signs):+.2f} ± 0 %" in printed
    assert printed.count(" single_task\n") == sum(len(task.errors) for task in TASKS)
