"""Test that shards are disjoint, complete and of equal cost, and run by the workflow."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from generator import demo
from generator.choices.combinations import Combinations
from generator.choices.commands import selection
from generator.choices.questions import ROOT
from generator.cli import main, parse
from generator.projects import costs, matrix

WORKFLOW = ROOT / ".github/workflows/ci.yml"


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_shards_are_disjoint_complete_and_of_equal_cost(
    combinations: Combinations, count: int
) -> None:
    every = combinations.all()
    lists = matrix.shards(every, count)
    names = [c.name for part in lists for c in part]
    assert len(names) == len(set(names)) == len(every)
    assert set(names) == {c.name for c in every}
    known = costs.costs()
    sums = [sum(costs.cost(c, known) for c in part) for part in lists]
    assert max(sums) <= 1.2 * sum(sums) / count
    for number, part in enumerate(lists, start=1):
        assert matrix.shard(every, f"{number}/{count}") == part


def test_fewer_than_eight_shards_if_their_costs_would_differ(combinations: Combinations) -> None:
    every = combinations.all()
    assert matrix.most(every) == 8
    by_cost = sorted(every, key=lambda c: costs.cost(c, costs.costs()))
    assert matrix.most([by_cost[0], by_cost[-1]]) == 1


def test_every_usual_kind_of_suite_has_a_measured_cost(combinations: Combinations) -> None:
    usual = [c for c in combinations.all() if c.answers["num_tasks"] == 2]
    assert {costs.kind(c) for c in usual} <= costs.costs().keys()


def test_cost_of_a_suite_is_that_of_the_most_similar_measured_ones(
    combinations: Combinations,
) -> None:
    [default] = combinations.select("default")
    backend, kind_of_input, tasks = costs.kind(default).split()
    known = {f"{backend} {kind_of_input} 99": 2.0, "other image 2": 4.0, "other text 2": 6.0}
    assert costs.cost(default, known) == 2
    known |= {f"{backend} other {tasks}": 3.0}
    assert costs.cost(default, known) == 3
    known |= {costs.kind(default): 5.0}
    assert costs.cost(default, known) == 5
    assert costs.cost(default, {"other image 2": 4.0, "other text 2": 6.0}) == 5


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
        (["matrix", "--shards", "0"], "0 shards: give 1 to"),
        (["matrix", "--shards", "9999"], "9999 shards: give 1 to"),
        (["matrix", "--shards", "900"], "one would take over 1.2 times the mean: give fewer"),
        (["matrix", "--only", "nothing*"], "no combination is called 'nothing*'"),
        (["test", "default", "--shard", "2/1"], "there are the shards 1 to 1"),
        (["test", "default", "--shard", "2"], "as in 2/8"),
        (["test", "default", "--shard", ""], "as in 2/8"),
        (["test", "default", "--shard", "1/²"], "as in 2/8"),
        (["test", "default", "--report", "nowhere/report.json"], "there is no folder nowhere"),
        (["test", "default", "--report", "."], ". is a folder: give a file"),
        (["test", "default", "--shard", "1/" + "9" * 5000], "as in 2/8"),
        (["test", "nothing"], "no combination is called 'nothing'"),
        (["test", "default", "--shard", "2/2"], "2 shards: give 1 to 1"),
        (["test", "default", "--report", "/proc/report.json"], "--report /proc/report.json: "),
        (["ran", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["check", "*+grey", "--strength", "2"], "--strength 2 selects nothing from *+grey"),
        (["answers", "siamese-*"], "combinations: give the name of one"),
    ],
)
def test_mistake_is_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1


def test_workflow_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*command, "vendor.github-workflows", str(WORKFLOW)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    if tool := shutil.which("actionlint"):  # if it is installed
        done = subprocess.run([tool, str(WORKFLOW)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_workflow_runs_every_shard_and_requires_all(
    combinations: Combinations, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]

    def command(job: str, name: str) -> list[str]:
        [line] = [
            step["run"]
            for step in jobs[job]["steps"]
            if f"generator {name}" in step.get("run", "") and "continue-on-error" not in step
        ]
        return shlex.split(re.findall(rf"-m generator ({name}[^)]*)", line)[0])

    assert main(command("matrix", "matrix")) == 0
    ran = []
    for entry in json.loads(capsys.readouterr().out)["include"]:
        words = " ".join(command("suites", "test")).replace("${{ matrix.", "{").replace(" }}", "}")
        arguments = parse(words.format(**entry).split())
        assert arguments.report
        ran += [c.name for c in matrix.shard(selection(arguments), arguments.shard)]
    assert sorted(ran) == sorted(c.name for c in combinations.all())
    # The first job prints the shards, and no step is skipped.
    assert jobs["suites"]["needs"] == "matrix"
    printed = jobs["matrix"]["outputs"]
    assert printed == {"shards": "${{ steps.shards.outputs.shards }}"}
    [step] = [step for step in jobs["matrix"]["steps"] if step.get("id") == "shards"]
    assert step["run"].startswith('echo "shards=$(') and step["run"].endswith(
        ' >> "$GITHUB_OUTPUT"'
    )
    matrix_of_job = jobs["suites"]["strategy"]["matrix"]
    assert matrix_of_job == "${{ fromJSON(needs.matrix.outputs.shards) }}"
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert [step["uses"] for step in steps if "if" in step] == ["actions/upload-artifact@v6"]
    # The last job fails if another one fails, or if a suite is missing or failed.
    last = jobs["all"]
    assert set(last["needs"]) == {"generator", "suites"} and last["if"] == "always()"
    results = "${{ needs.generator.result }} ${{ needs.suites.result }}"
    assert last["steps"][0] == {"run": f'test "{results}" = "success success"'}
    assert not any("continue-on-error" in job for job in jobs.values())
    report = tmp_path / "report.json"
    demand = [*command("all", "ran")[:-1], str(report)]
    for verdicts, status in (
        (dict.fromkeys(ran, True), 0),
        (dict.fromkeys(ran[1:], True), 1),
        (dict.fromkeys(ran, True) | {ran[0]: False}, 1),
    ):
        report.write_text(json.dumps({name: {"passed": good} for name, good in verdicts.items()}))
        assert main(demand) == status
        lines = capsys.readouterr().out.splitlines()
        what = "in no report" if len(verdicts) < len(ran) else "failed"
        assert lines[:-1] == ([f"{what}: {ran[0]}"] if status else [])
    # Another report does not override a verdict of "failed".
    other = tmp_path / "other.json"
    other.write_text(json.dumps({ran[0]: {"passed": True}}))
    assert main([*demand, str(other)]) == 1


def test_workflow_runs_the_suites_of_the_examples() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    [command] = [s["run"] for s in jobs["generator"]["steps"] if "pytest" in s.get("run", "")]
    _, *arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, *arguments, "tests/test_projects.py", "--collect-only", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    suites = set(re.findall(r"::test_suite_passes\[(.*)\]", done.stdout))
    assert suites == {path.stem for path in demo.FOLDER.glob("*.yml")}


BROKEN = ['{"default": true}', '{"default": {}}', '{"default": {"passed": "no"}}']


@pytest.mark.parametrize("text", ["", "[]", "[1]", *BROKEN, "\xff"])
def test_broken_report_is_reported_in_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text(text, encoding="latin-1")
    assert main(["ran", str(report)]) == 2
    assert (
        capsys.readouterr().err
        == f"error: {report} is not a report: give a file of `python -m generator test --report`\n"
    )


def test_jobs_of_a_matrix_have_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--only", "*-jax", "--strength", "2", "--shards", "4"]
    assert main(["matrix", "--format", "github", *options]) == 0
    entries = json.loads(capsys.readouterr().out)["include"]
    assert entries[0]["arguments"] == "'*-jax' --strength 2 --shard 1/4"
    assert main(["matrix", "--format", "github", "--only", "default"]) == 0
    assert len(json.loads(capsys.readouterr().out)["include"]) == 1


@pytest.mark.parametrize(
    ("option", "values", "message"),
    [
        ("--workers", ["0", "-1", "many"], "give an integer of 1 or more"),
        ("--time-limit", ["0", "-1", "nan", "inf", "long"], "give a positive number of seconds"),
    ],
)
def test_limits_are_positive_numbers(
    option: str, values: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in values:
        with pytest.raises(SystemExit) as end:
            main(["test", "default", option, value])
        assert end.value.code == 2
        assert message in capsys.readouterr().err
