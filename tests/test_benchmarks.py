"""Test the benchmarks on small tables: what they print and save, and what they compute."""

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from generator.benchmarks import everything, measuring, profile, sharing, tasks, weighting
from generator.choices.questions import Questionnaire
from generator.cli import main
from generator.projects import render, suites


@pytest.fixture(autouse=True)
def compiled_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile as for a suite: no test reads how fast a network is."""
    for name in ("XLA_FLAGS", *(name for name in suites.ENVIRONMENT if name.startswith("JAX"))):
        monkeypatch.setenv(name, suites.ENVIRONMENT[name])


def keep_choices(monkeypatch: pytest.MonkeyPatch, bench: str, name: str, *choices: str) -> None:
    """Have a benchmark compare a few choices of a question."""
    question = next(q for q in Questionnaire().questions if q.name == name)
    few = Mock(questions=[replace(question, choices=choices)])
    monkeypatch.setattr(f"generator.benchmarks.{bench}.Questionnaire", lambda: few)


def test_bench_weighting_prints_tables(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.benchmarks.weighting.BACKENDS", ("jax",))
    monkeypatch.setattr("generator.benchmarks.weighting.SIZES", (2,))
    monkeypatch.setattr("generator.benchmarks.weighting.TOY_EPOCHS", 1)
    monkeypatch.setattr("generator.benchmarks.weighting.SETTINGS", weighting.SETTINGS[2:])
    keep_choices(monkeypatch, "weighting", "loss_weighting", "equal", "pcgrad")
    command = ["bench", "weighting", "--into", str(tmp_path / "bench"), "--seeds", "1"]
    assert main([*command, "--epochs", "1"]) == 0
    printed = capfd.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if "pcgrad" in line] == ["pcgrad"] * 2
    assert "single" in printed and "published" in printed
    left = {path.name for path in (tmp_path / "bench").iterdir()}
    assert left == {"weighting.json", "weighting.png"}


def test_bench_sharing_prints_tables_and_resumes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = {"losses": {"0.01": [(1.0, 2.0), (1.0, 4.0)], "0.1": [(2.0, 0.0), (2.0, 0.0)]}}
    kept = tmp_path / f"sharing-2-1-jax-{sharing.fingerprint()}"
    kept.mkdir()
    known = [name for name in sharing.NETWORKS if name != "single"]
    for cosine, name in itertools.product(sharing.COSINES, known):
        text = json.dumps(measured | {"parameters": 7})
        (kept / f"{cosine}-{name}.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr("generator.benchmarks.sharing.COSINES", (0.5,))
    monkeypatch.setattr("generator.benchmarks.sharing.RATES", (0.01, 0.1))
    monkeypatch.setattr("generator.benchmarks.sharing.BACKENDS", ("jax",))
    monkeypatch.setattr("generator.benchmarks.sharing.SIZES", (2,))
    monkeypatch.setattr("generator.benchmarks.sharing.EXPERTS", (2,))
    keep_choices(monkeypatch, "sharing", "sharing", "shared_bottom", "mmoe")
    command = ["bench", "sharing", "--into", str(tmp_path), "--seeds", "2", "--epochs", "1"]
    assert main(command) == 0
    printed = capfd.readouterr().out
    # The rate that is best on validation rows counts, not the one that is best on held-out rows.
    assert re.search(r"mmoe +7 +0\.01\* +3\.0000 ± 1\.0000 +3\.0000 +\+0\.0000", printed)
    assert re.search(r"single +14,858 ", printed) and "8/8 cosine" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"sharing.json", "sharing.png"}
    assert main([*command, "--seeds", "1"]) == 2


@pytest.mark.parametrize("cosine", sharing.COSINES)
def test_related_tasks_have_the_requested_cosine(cosine: float) -> None:
    rng = np.random.default_rng(0)
    inputs, labels = sharing.related_tasks(4000, cosine, rng, sines=0)
    slopes, *_ = np.linalg.lstsq(inputs, labels)
    one, other = (slopes / np.linalg.norm(slopes, axis=0)).T
    np.testing.assert_allclose(one @ other, cosine, atol=0.01)
    np.testing.assert_allclose(labels.std(axis=0), 1, rtol=1e-6)
    _, waves = sharing.related_tasks(4000, cosine, rng)
    assert (np.corrcoef(waves.T)[0, 1] > 0.999) == (cosine == 1)


def test_seeds_needed_follow_from_mean_and_deviation() -> None:
    assert sharing.seeds_needed([0.0, 1.0, 2.0]) == 8  # 2.8² = 7.84
    assert sharing.seeds_needed([1.0, 1.0]) == 2
    assert sharing.seeds_needed([1.0, -1.0]) == np.inf


def test_gain_is_the_mean_over_tasks_of_relative_gains() -> None:
    single = {"a auc": [0.5, 0.8], "b mae": [10.0, 20.0]}
    ours = {"a auc": [0.6, 0.8], "b mae": [9.0, 22.0]}
    np.testing.assert_allclose(weighting.gain(ours, single), [15, -5])


def test_bench_speed_prints_ratios(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("tabular", "sequence", "image", "text")
    monkeypatch.setattr("generator.benchmarks.speed.ROWS", [(kind, 60) for kind in kinds])
    monkeypatch.setattr("generator.benchmarks.speed.BACKENDS", ("jax",))
    assert main(["bench", "speed", "--into", str(tmp_path / "bench"), "--rounds", "1"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if "rows" in line] == [["jax", k] for k in kinds]
    assert {path.name for path in (tmp_path / "bench").iterdir()} == {"speed.json", "speed.png"}
    found = json.loads((tmp_path / "bench/speed.json").read_text())["speed"]["jax"]
    assert list(found) == [f"{kind}, 60 rows" for kind in kinds]
    names = {"plain Keras", "plain Keras's first epoch", "project", "first epoch"}
    names |= {"one output", "matrix products"}
    assert all(networks.keys() == names for networks in found.values())


def test_bench_streaming_prints_a_table(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.benchmarks.streaming.ROWS", 2000)
    monkeypatch.setattr("generator.benchmarks.streaming.SIZES", (2000, 3000))
    monkeypatch.setattr("generator.benchmarks.streaming.BACKENDS", ("jax",))
    assert main(["bench", "streaming", "--rounds", "1"]) == 0
    [line] = [line for line in capfd.readouterr().out.splitlines() if line.startswith("jax")]
    assert re.search(r"^jax +\d+\.\d\d \(.* [\d,]+ and [\d,]+; whole: [\d,]+$", line)


def test_bench_predict_prints_a_table(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.benchmarks.predict.ROWS", (50, 5000))
    monkeypatch.setattr("generator.benchmarks.predict.BACKENDS", ("jax",))
    assert main(["bench", "predict"]) == 0
    lines = [line.split() for line in capfd.readouterr().out.splitlines()[3:]]
    assert [line[:2] for line in lines] == [["jax", "csv"], ["jax", "parquet"]]


def test_bench_tasks_prints_ratios(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.benchmarks.tasks.BACKENDS", ("jax",))
    monkeypatch.setattr("generator.benchmarks.tasks.TASKS", (2, 3))
    monkeypatch.setattr("generator.benchmarks.tasks.ROWS", 512)
    assert main(["bench", "tasks", "--into", str(tmp_path / "bench"), "--rounds", "1"]) == 0
    printed = capfd.readouterr().out
    assert "2 tasks" in printed and "3 tasks" in printed
    assert {path.name for path in (tmp_path / "bench").iterdir()} == {"tasks.json", "tasks.png"}
    for network in ("stacked", "stacked, no metrics", "separate", "plain Keras"):
        assert re.search(rf"^{network} +-?\d+\.\d\d \(", printed, re.MULTILINE)


def test_bench_peers_prints_ratios(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.benchmarks.peers.BACKENDS", ("jax",))
    monkeypatch.setattr("generator.benchmarks.peers.TASKS", (2, 3))
    monkeypatch.setattr("generator.benchmarks.peers.ROWS", 512)
    monkeypatch.setattr("generator.benchmarks.peers.find_spec", lambda name: None)
    assert main(["bench", "peers", "--into", str(tmp_path / "bench"), "--rounds", "2"]) == 0
    printed = capfd.readouterr().out
    assert "pip install torch==2.13.0 torchjd deepctr" in printed
    assert "relative to plain Keras, jax" in printed
    for network in ("stacked", "separate", "plain Keras", "stacked, PCGrad"):
        assert re.search(rf"^{network}, jax +-?\d+\.\d\d \(", printed, re.MULTILINE)
    assert {path.name for path in (tmp_path / "bench").iterdir()} == {"peers.json", "peers.png"}
    found = json.loads((tmp_path / "bench/peers.json").read_text())["peers"]
    assert found.keys() == {"2", "3"}
    assert all(len(seconds) == 2 for seconds in found["3"].values())


def test_plain_torch_also_learns_with_one_layer_and_with_pcgrad() -> None:
    pytest.importorskip("torchjd")
    from generator.benchmarks import plain_torch

    features, labels = tasks.table(1024, 3)
    for more in ({}, {"together": True}, {"differentiate": plain_torch.surgery}):
        fit = plain_torch.trainer(features, labels, **more)
        first, last = fit(1), fit(20)
        assert len(last) == 3
        assert all(after < 0.5 * before for before, after in zip(first, last, strict=True))


def test_error_of_a_measuring_process_is_reported(tmp_path: Path) -> None:
    work = measuring.Work(tmp_path, tmp_path)
    broken = work.alive("jax", [], "generator.benchmarks.peers", "torch_networks", "three", 8)
    with pytest.raises(render.RenderError, match=r"three|torch"), broken:
        pass


def test_bench_saves_all_parts_in_one_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = []

    def part(name: str) -> tuple[Callable[[int], object], Callable[[Path, object], object]]:
        def measure(rounds: int) -> object:
            asked.append((name, rounds))
            return {name: 1}

        return measure, lambda path, found: path.touch()

    monkeypatch.setattr(
        "generator.benchmarks.everything.PARTS", {name: part(name) for name in ("a", "b")}
    )
    assert main(["bench"]) == 0
    assert asked == [("a", 5), ("b", 5)]
    kept = json.loads((tmp_path / "bench/all.json").read_text())
    assert kept.keys() == {"machine", "versions", "a", "b"} and kept["b"] == {"b": 1}
    assert kept["machine"].keys() == {"cpu", "cores", "system"} and kept["machine"]["cpu"]
    assert {"python", "keras", "tensorflow", "jax"} <= kept["versions"].keys()
    assert {path.name for path in (tmp_path / "bench").iterdir()} == {"all.json", "a.png", "b.png"}
    assert main(["bench", "all", "--into", "there", "--rounds", "2"]) == 0
    assert asked[2:] == [("a", 2), ("b", 2)] and Path("there/all.json").is_file()


def test_bench_all_has_every_part() -> None:
    assert list(everything.PARTS) == ["speed", "tasks", "peers"]


@pytest.mark.parametrize("backend", measuring.BACKENDS)
def test_bench_profile_prints_shares(
    backend: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.benchmarks.profile.ROWS", 600)
    monkeypatch.setattr("generator.benchmarks.profile.EPOCHS", 1)
    assert main(["bench", "profile", "--tasks", "2", "--backend", backend]) == 0
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith(backend)]
    assert [line.split()[1] for line in lines] == ["separate", "stacked"]
    for line in lines:
        shares = [float(cell.rstrip("%")) for cell in line.split()[3:]]
        assert len(shares) == 5 and abs(sum(shares) - 100) < 1
        assert min(shares) >= 0 and shares[0] > 0  # the step is seen
    assert main(["bench", "profile", "--tasks", "1"]) == 2


def test_watch_counts_no_time_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0, 1, 3, 7, 15, 31])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    watch = profile.Watch()
    inner = watch.timed("callbacks", lambda: None)
    watch.timed("validation", inner)()
    watch.lap()
    assert watch.seconds["callbacks"] == 4 and watch.seconds["validation"] == 2 + 8
    assert watch.seconds[profile.REST] == 1 + 16
