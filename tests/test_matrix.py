"""Shards are disjoint, complete and alike in cost; the checked-in workflow runs them all."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from generator import matrix
from generator.cli import main
from generator.combinations import Combinations
from generator.questions import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yml"


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_shards_are_disjoint_complete_and_alike(combinations: Combinations, count: int) -> None:
    every = combinations.all()
    lists = matrix.shards(every, count)
    names = [c.name for part in lists for c in part]
    assert len(names) == len(set(names)) == len(every)
    assert set(names) == {c.name for c in every}
    known = matrix.costs()
    sums = [sum(known[matrix.kind(c)] for c in part) for part in lists]
    assert max(sums) <= 1.2 * sum(sums) / count
    for number, part in enumerate(lists, start=1):
        assert matrix.shard(every, f"{number}/{count}") == part


def test_every_kind_of_suite_has_a_measured_cost(combinations: Combinations) -> None:
    assert {matrix.kind(c) for c in combinations.all()} == matrix.costs().keys()


@pytest.mark.parametrize("style", matrix.FORMATS)
def test_every_format_names_every_shard(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", "--format", style, "--shards", "5", "--strength", "2"]) == 0
    printed = capsys.readouterr().out
    times = 2 if style == "gitlab" else 1  # a job's name and its command
    assert all(printed.count(f"{number}/5") == times for number in range(1, 6))
    if style == "gitlab":
        jobs = yaml.safe_load(printed)
        script = " ".join(line for job in jobs.values() for line in job["script"])
        assert script.count("generator test --strength 2 --shard") == 5
    else:
        json.loads(printed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["matrix", "--shards", "0"], "--shards 0: give 1 to"),
        (["matrix", "--shards", "9999"], "--shards 9999: give 1 to"),
        (["matrix", "nothing*"], "no combination is called 'nothing*'"),
        (["test", "default", "--shard", "2/1"], "there are the shards 1 to 1"),
        (["test", "default", "--shard", "2"], "as in 2/8"),
        (["test", "nothing"], "no combination is called 'nothing'"),
        (["check", "*+grey", "--strength", "2"], "no combination is left"),
        (["answers", "siamese-*"], "combinations: give one name"),
    ],
)
def test_a_mistake_gets_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1


def test_the_workflow_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*command, "vendor.github-workflows", str(WORKFLOW)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_workflow_runs_every_shard_and_demands_all(
    combinations: Combinations, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    lines = {
        name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()
    }
    [emitted] = [line for line in lines["matrix"] if "generator matrix" in line]
    arguments = re.findall(r"-m generator (matrix [^)]*)\)", emitted)[0].split()
    assert main(arguments) == 0
    shards = [entry["shard"] for entry in json.loads(capsys.readouterr().out)["include"]]
    every = combinations.all()
    ran = [c.name for shard in shards for c in matrix.shard(every, shard)]
    assert sorted(ran) == sorted(c.name for c in every)
    assert any("--shard ${{ matrix.shard }}" in line for line in lines["suites"])
    assert jobs["suites"]["needs"] == "matrix"
    assert set(jobs["all"]["needs"]) == {"generator", "suites"}
    # What the last job runs is red when one suite is missing, or failed.
    report = tmp_path / "report.json"
    report.write_text(json.dumps(dict.fromkeys(ran, True)))
    assert main(["ran", str(report)]) == 0
    report.write_text(json.dumps(dict.fromkeys(ran[1:], True)))
    assert main(["ran", str(report)]) == 1
    report.write_text(json.dumps(dict.fromkeys(ran, True) | {ran[0]: False}))
    assert main(["ran", str(report)]) == 1
