"""Bad answers are refused with one line that says what to do; unusual good ones work."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml

from generator.choices.questions import ROOT, Questionnaire
from generator.errors import AnswerError, RenderError
from generator.projects import render

TWO = "a:regression, b:binary"
FIXED = {"loss_weighting": "fixed"}
ALIKE = {"heads": "shared_output", "tasks": "a:binary, b:binary"}
PACKAGES = "np pd pc helpers conftest test test_a Keras random sklearn optuna filelock data kinds"
TASKS = """trunk loss split x1 val val_a a_x1 rows part mean std a_logits a_gate a_gate_2 experts_1
stitch_1 a_hidden_1 heads_a"""

# By question, the bad values, and what their refusal says; other answers stand beside the value.
REFUSED: list[tuple[str, list[Any], str, dict[str, Any]]] = [
    ("tsks", ["a:regression"], "unknown answer 'tsks'", {}),
    ("project_name", ["", "  "], "is empty", {}),
    ("project_name", ["two\nlines", "\x1b", "a\x85b"], "line break", {}),
    ("package", ["2fast", "a\n", "a_", "größe", "a-b", "a" * 31], "is not a package name", {}),
    ("package", ["class", "None"], "is a keyword", {}),
    ("package", PACKAGES.split(), "already means something else", {}),
    ("num_tasks", [0, -1, 1001, 10**6, 10**30], "an integer from 1 to 1000", {}),
    ("num_tasks", ["x", ""], "num_tasks", {}),
    ("num_tasks", [1, 3, 5], "2 tasks are named, but num_tasks is", {"tasks": TWO}),
    ("tasks", ["", " , "], "no task is named", {}),
    ("tasks", [", ".join(f"t{i}:binary" for i in range(1001))], "name at most 1000", {}),
    ("tasks", ["a:binary, A:binary"], "'A' is named twice", {}),
    ("tasks", ["class:binary"], "'class' is a keyword", {}),
    ("tasks", [f"{name}:binary" for name in TASKS.split()], "clashes", {}),
    ("tasks", ["1st:binary", "a b:binary", "größe:binary", "a__b:binary"], "not a task name", {}),
    ("tasks", ["a"], "'a' has no kind", {}),
    ("tasks", ["a:ordinal", "a:multiclass", "a:multiclass(n)", "a:binary(2)"], "not a kind", {}),
    ("tasks", ["a:multiclass(1)", "a:multiclass(0)", "a:multilabel(-3)"], "from 2 to 10000", {}),
    ("tasks", ["a:multiclass(10001)", f"a:multilabel({10**14})"], "from 2 to 10000", {}),
    ("trunk_units", ["64, 0", "64, -1", "64,, 32", "many", "1.5", "٣"], "is not a size", {}),
    ("trunk_units", [""], "at least one size", {"input_kind": "text"}),
    ("trunk_units", [""], "both trunk_units and head_units are empty", {"head_units": ""}),
    ("trunk_units", [""], "works on layers that tasks share", {"loss_weighting": "pcgrad"}),
    ("input_shape", ["0", "x"], "is not a size", {}),
    ("input_shape", ["8, 8", ""], "is not a shape", {}),
    ("input_shape", ["1", "7"], "keep at least 8", {"input_kind": "text"}),
    ("input_shape", ["32, 32"], "is not a shape", {"input_kind": "image"}),
    ("input_shape", ["32, 32, 2"], "1 (gray), 3 (RGB)", {"input_kind": "image"}),
    ("input_shape", ["8, 8, 3; 9, 9, 3"], "two are for Siamese", {"input_kind": "image"}),
    ("input_shape", ["9, 2; 9, 3"], "same number", {"layout": "siamese", "input_kind": "sequence"}),
    ("head_units", ["16; 8"], "2 lists are given for 3 tasks", {}),
    ("head_units", ["16; 8; 4"], "need separate heads", {"heads": "stacked"}),
    ("head_units", [""], "would be the same", ALIKE),
    ("heads", ["shared_output"], "tasks of one kind and width", {}),
    ("heads", ["shared_output"], "one kind", {"tasks": "a:multiclass(3), b:multiclass(4)"}),
    ("loss_weights", ["1, 2"], "2 weights are given for 3 tasks", FIXED),
    ("loss_weights", ["1, 1, 1e5", "1, 0, 1", "1, -2, 1", "1, nan, 1"], "not a weight", FIXED),
    ("dwa_temperature", [0.01, -2, "nan"], "from 0.1 to", {"loss_weighting": "dwa"}),
    ("gradnorm_alpha", [-1], "from 0 to", {"loss_weighting": "gradnorm"}),
    ("gradnorm_learning_rate", [0], "out of range", {"loss_weighting": "gradnorm"}),
    ("cagrad_c", [1, "nan"], "from 0 to 0.99", {"loss_weighting": "cagrad"}),
    ("famo_learning_rate", ["inf"], "out of range", {"loss_weighting": "famo"}),
    ("famo_decay", [-0.1], "out of range", {"loss_weighting": "famo"}),
    ("label_smoothing", [1, -0.1], "from 0 to 0.99", {}),
    ("learning_rate", [0, "nan"], "out of range", {}),
    ("learning_rate", ["fast"], "learning_rate", {}),
    ("expert_units", ["", "32, 0"], "size", {"sharing": "mmoe"}),
    ("num_experts", [1], "from 2 to 1000", {"sharing": "mmoe"}),
    ("num_experts", [0], "from 1 to 1000", {"sharing": "ple"}),
    ("num_private_experts", [0], "from 1 to 1000", {"sharing": "ple"}),
    ("num_levels", [0, 11], "from 1 to 10", {"sharing": "ple"}),
    ("kernel_size", [0], "from 1 to 1000", {"input_kind": "image"}),
    ("backend", ["torch"], "'torch'", {}),
    ("class_weights", ["rare"], "'rare'", {}),
    ("extras", ["[wandb]", ["wandb", "report"]], "'wandb' is not", {}),
    ("extras", ["compare", "", "[compare", "[,]", None, 5, [["a"]]], "to extras; give a list", {}),
    ("extras", ["[row_groups, data_parallel]"], "do not go together", {}),
    ("extras", [["compare"]], "compare needs at least 2 tasks", {"tasks": "a:binary"}),
]


@pytest.fixture(scope="module")
def asking(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The questions of the template, with the answers file as the whole project."""
    only = tmp_path_factory.mktemp("asking") / "template"
    shutil.copytree(template, only)
    for path in (only / "template/project").iterdir():
        if "answers_file" not in path.name:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with render.compiled_once():
        yield only


def recorded(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8")))


CASES = [(q, value, says, more) for q, values, says, more in REFUSED for value in values]


@pytest.mark.parametrize(("question", "value", "says", "more"), CASES, ids=lambda v: str(v)[:30])
def test_bad_answer_is_refused_in_one_line_and_leaves_nothing(
    question: str, value: Any, says: str, more: dict[str, Any], asking: Path, tmp_path: Path
) -> None:
    data = {**more, question: value}
    with pytest.raises(RenderError) as refusal:
        render.render(asking, data, tmp_path / "project")
    assert says in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert not (tmp_path / "project").exists()
    with pytest.raises(AnswerError):
        Questionnaire(asking).resolve(data)


GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"project_name": "Test project"}, {"package": "my_test_project"}),
    ({"project_name": "Helpers"}, {"package": "my_helpers"}),
    ({"project_name": "np"}, {"package": "my_np"}),
    ({"project_name": "Class"}, {"package": "my_class"}),
    ({"project_name": "Häuser & Co"}, {"package": "haeuser_co"}),
    ({"project_name": "Gro\u0308ße, déjà vu"}, {"package": "groesse_deja_vu"}),
    ({"project_name": "大"}, {"package": "project"}),
    ({"project_name": "A" * 50}, {"package": "a" * 30}),
    ({"tasks": "a:binary,\nb:regression,\n"}, {"num_tasks": 2}),
    ({"num_tasks": 4}, {"num_tasks": 4, "sharing": "shared_bottom"}),
    ({"tasks": "a:multiclass(10000)"}, {"num_tasks": 1, "label_smoothing": 0.0}),
    ({"tasks": "a:binary"}, {"class_weights": "none"}),
    ({}, {"extras": ["github_ci"]}),
    ({"extras": "[tune, 'compare']"}, {"extras": ["compare", "tune"]}),
    ({"extras": []}, {"extras": []}),
]


@pytest.mark.parametrize(("data", "expected"), GOOD, ids=lambda v: str(v)[:40])
def test_good_answer_is_recorded(
    data: dict[str, Any], expected: dict[str, Any], asking: Path, tmp_path: Path
) -> None:
    render.render(asking, data, tmp_path / "project")
    answers = recorded(tmp_path / "project")
    assert expected.items() <= answers.items()
    del answers["_src_path"]
    assert answers == Questionnaire(asking).resolve(data)


@pytest.mark.parametrize("tasks", ["a:binary, b:regression", None])
def test_dialogue_counts_the_named_tasks(
    tasks: str | None, asking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prompt(questions: list[dict[str, Any]], answers: dict[str, Any]) -> dict[str, Any]:
        [question] = questions
        value = tasks if tasks and question["name"] == "tasks" else answers[question["name"]]
        shown = value if isinstance(value, list) else str(value)
        assert question.get("validate", lambda _: True)(shown) is True
        return {question["name"]: value}

    monkeypatch.setattr("copier._main.unsafe_prompt", prompt)
    copier.run_copy(str(asking), tmp_path, quiet=True, settings=copier.Settings())
    answers = recorded(tmp_path)
    assert answers["num_tasks"] == (2 if tasks else 3)
    assert "how_many_tasks" not in answers


def test_present_extras_that_no_longer_fit_are_refused(asking: Path, tmp_path: Path) -> None:
    options: Any = {"defaults": True, "quiet": True, "settings": copier.Settings()}

    def again(**data: Any) -> None:
        copier.run_recopy(tmp_path, data, overwrite=True, **options)

    copier.run_copy(str(asking), tmp_path, {"extras": ["compare", "tune"]}, **options)
    path = tmp_path / ".copier-answers.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("- compare\n- tune\n", "- tune\n- compare\n"), encoding="utf-8")
    again()
    assert recorded(tmp_path)["extras"] == ["compare", "tune"]
    with pytest.raises(ValueError, match=r"present answer, '\[compare, tune\]', does not go"):
        again(tasks="a:binary")
    again(tasks="a:binary", extras="[tune]")
    assert recorded(tmp_path)["extras"] == ["tune"] and recorded(tmp_path)["num_tasks"] == 1


QUOTES, JINJA = "\"Quoted\" 'name' back\\slash \\n", "# hash {{ braces }} {% if %}"


@pytest.mark.parametrize("name", [QUOTES, JINJA, "Größe 大 😀", "%"])
def test_any_project_name_renders_to_a_valid_project(
    name: str, template: Path, tmp_path: Path
) -> None:
    render.render(template, {"project_name": name}, tmp_path / "project")
    settings = tomllib.loads((tmp_path / "project/pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["description"] == name
    readme = (tmp_path / "project/README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {name}\n")
    assert recorded(tmp_path / "project")["project_name"] == name
    for path in (tmp_path / "project").rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


def test_checkout_keeps_line_endings_and_saved_models(template: Path, tmp_path: Path) -> None:
    render.render(template, {}, tmp_path / "project")
    subprocess.run(["git", "init", "--quiet", tmp_path / "project"], check=True)
    command = ["git", "check-attr", "eol", "text", "--", "src/a.py", "runs/a/best.keras"]
    printed = subprocess.check_output(command, cwd=tmp_path / "project", text=True).splitlines()
    assert printed == [
        "src/a.py: eol: lf",
        "src/a.py: text: auto",
        "runs/a/best.keras: eol: lf",
        "runs/a/best.keras: text: unset",
    ]


def test_longest_names_stay_clean(template: Path, tmp_path: Path) -> None:
    data = {
        "package": "a" * 30,
        "tasks": ", ".join(f"{'a' * 37}{i}:multiclass(100)" for i in "bcd"),
        "head_units": "; ".join([", ".join(["1000"] * 20)] * 3),
        "trunk_units": ", ".join(["1000"] * 20),
        "layout": "parallel",
    }
    project = tmp_path / "project"
    render.render(template, data, project)
    for command in ("format --check", "check"):
        ruff = [sys.executable, "-m", "ruff", *command.split(), "--no-cache", str(project)]
        run = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout


def test_package_cannot_have_a_name_in_use(template: Path, tmp_path: Path) -> None:
    render.render(template, {"package": "this_project"}, tmp_path / "project")
    used = set(sys.stdlib_module_names)
    for path in (tmp_path / "project").rglob("*.py"):
        used.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {name.asname or name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used |= {node.module or ""} | {n.name for n in node.names if node.module == "keras"}
    for name in {name.split(".")[0] for name in used} - {"this_project"}:
        with pytest.raises(AnswerError, match="package"):
            Questionnaire(template).resolve({"package": name})


def test_rules_know_every_question() -> None:
    text = (ROOT / "template/rules.jinja").read_text(encoding="utf-8")
    listed = set(re.findall(r"\w+", text[: text.index("keywords")]))
    assert {question.name for question in Questionnaire().questions} <= listed
