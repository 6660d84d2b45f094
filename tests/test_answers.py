"""Bad answers are refused with one line that says what would be right; odd good ones work."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from generator import render
from generator.questions import ROOT, AnswerError, Questionnaire

TASKS = "a:regression, b:binary"

REFUSED = [
    ({"tsks": "a:regression"}, "unknown answer 'tsks'"),
    ({"num_tasks": 0}, "integer of 1 or more"),
    ({"num_tasks": 3, "tasks": TASKS}, "2 tasks are named, but num_tasks is 3"),
    ({"tasks": ""}, ""),
    ({"tasks": "a:regression, a:binary"}, "'a' is named twice"),
    ({"tasks": "class:binary"}, "'class' is a keyword"),
    ({"tasks": "trunk:binary"}, "'trunk' clashes"),
    ({"tasks": "loss:binary"}, "'loss' clashes"),
    ({"tasks": "split:binary"}, "'split' clashes"),
    ({"tasks": "x1:binary"}, "'x1' clashes"),
    ({"tasks": "val:binary"}, "'val' clashes"),
    ({"tasks": "a:binary, a_x1:binary"}, "'a_x1' clashes"),
    ({"package": "test"}, "would shadow"),
    ({"loss_weighting": "fixed", "loss_weights": "1, 1e99, 1"}, "positive numbers"),
    ({"tasks": "val_a:binary"}, "'val_a' clashes"),
    ({"tasks": "a_logits:binary"}, "'a_logits' clashes"),
    ({"tasks": "1st:binary"}, "'1st' is no task name"),
    ({"tasks": "a b:binary"}, "'a b' is no task name"),
    ({"tasks": "größe:binary"}, "is no task name"),
    ({"tasks": "a"}, "'a' has no kind"),
    ({"tasks": "a:ordinal"}, "unknown kind 'ordinal'"),
    ({"tasks": "a:multiclass(1)"}, "too few, give at least 2"),
    ({"tasks": "a:multiclass(0)"}, "too few, give at least 2"),
    ({"tasks": "a:multilabel(-3)"}, "too few, give at least 2"),
    ({"tasks": "a:multiclass"}, "unknown kind 'multiclass'"),
    ({"trunk_units": "64, 0"}, "'0' in '64, 0' is no size"),
    ({"trunk_units": "64, -1"}, "is no size"),
    ({"trunk_units": "64,, 32"}, "is no size"),
    ({"trunk_units": "many"}, "is no size"),
    ({"trunk_units": "1.5"}, "is no size"),
    ({"trunk_units": "", "input_kind": "text"}, "needs at least one size"),
    ({"trunk_units": "", "head_units": ""}, "both trunk_units and head_units are empty"),
    ({"sharing": "mmoe", "expert_units": ""}, "experts need at least one size"),
    ({"sharing": "mmoe", "expert_units": "32, 0"}, "'0' in '32, 0' is no size"),
    ({"sharing": "mmoe", "num_experts": 1}, "1 experts: give an integer of 2 to 1000"),
    ({"sharing": "ple", "num_experts": 0}, "0 experts: give an integer of 1 to 1000"),
    ({"sharing": "ple", "num_private_experts": 0}, "give an integer of 1 to 1000"),
    ({"sharing": "ple", "num_levels": 0}, "0 levels: give an integer of 1 to 1000"),
    ({"sharing": "ple", "num_levels": "two"}, "num_levels"),
    ({"sharing": "sluice"}, "'sluice'"),
    ({"tasks": "a:binary, a_gate:binary"}, "'a_gate' clashes"),
    ({"tasks": "a:binary, a_gate_2:binary"}, "'a_gate_2' clashes"),
    ({"tasks": "experts_1:binary"}, "'experts_1' clashes"),
    ({"tasks": "stitch_1:binary"}, "'stitch_1' clashes"),
    ({"head_units": "16; 8"}, "2 lists for 3 tasks"),
    ({"head_units": "16; 8; 4", "heads": "stacked"}, "heads of unequal sizes need separate"),
    ({"heads": "shared_output"}, "needs tasks of one kind and width"),
    ({"heads": "shared_output", "tasks": "a:multiclass(3), b:multiclass(4)"}, "one kind and width"),
    (
        {"heads": "shared_output", "tasks": "a:binary, b:binary", "head_units": ""},
        "all tasks would be one and the same",
    ),
    ({"loss_weighting": "fixed", "loss_weights": "1, 2"}, "2 weights for 3 tasks"),
    ({"loss_weighting": "dwa", "dwa_temperature": -2}, "-2.0: give a number of 0.01 or more"),
    ({"loss_weighting": "dwa", "dwa_temperature": 1e-300}, "give a number of 0.01 or more"),
    ({"loss_weighting": "gradnorm", "gradnorm_alpha": -1}, "give 0 or a positive number"),
    ({"loss_weighting": "gradnorm", "gradnorm_learning_rate": 0}, "give a positive number"),
    ({"loss_weighting": "cagrad", "cagrad_c": 1}, "give a number of 0 or more and less than 1"),
    ({"loss_weighting": "cagrad", "cagrad_c": "nan"}, "give a number of 0 or more"),
    ({"loss_weighting": "cagrad", "cagrad_c": "half"}, "cagrad_c"),
    ({"loss_weighting": "famo", "famo_learning_rate": "inf"}, "give a positive number"),
    ({"loss_weighting": "famo", "famo_decay": -0.1}, "give 0 or a positive number"),
    ({"class_weights": "rare"}, "'rare'"),
    ({"regression_loss": "absolute"}, "'absolute'"),
    ({"label_smoothing": 1}, "give a number of 0 or more and less than 1"),
    ({"label_smoothing": -0.1}, "give a number of 0 or more and less than 1"),
    ({"label_smoothing": "some"}, "label_smoothing"),
    ({"loss_weighting": "pcgrad", "trunk_units": ""}, "works on layers that tasks share"),
    (
        {"layout": "siamese", "sharing": "mmoe", "loss_weighting": "pcgrad", "trunk_units": ""},
        "works on layers that tasks share",
    ),
    ({"loss_weighting": "fixed", "loss_weights": "1, -2, 1"}, "positive numbers"),
    ({"loss_weighting": "fixed", "loss_weights": "1, 0, 1"}, "positive numbers"),
    ({"loss_weighting": "fixed", "loss_weights": "1, nan, 1"}, "positive numbers"),
    ({"input_shape": "0"}, "is no size"),
    ({"input_shape": "8, 8"}, "is no shape of a tabular input"),
    ({"input_kind": "image", "input_shape": "32, 32"}, "is no shape of a image input"),
    ({"input_kind": "image", "input_shape": "32, 32, 2"}, "1 (grey), 3 (RGB) or 4 (RGBA)"),
    ({"input_kind": "image", "input_shape": "8, 8, 3; 9, 9, 3"}, "two are for Siamese"),
    (
        {"layout": "siamese", "input_kind": "sequence", "input_shape": "9, 2; 9, 3"},
        "same number of channels",
    ),
    ({"layout": "mesh"}, "'mesh'"),
    ({"backend": "torch"}, "'torch'"),
    ({"tracking": "wandb"}, "'wandb'"),
    ({"tuning": "grid"}, "'grid'"),
    ({"distribution": "data_parallel", "streaming": "row_groups"}, "choose none for one of them"),
    ({"learning_rate": 0}, "0.0: give a positive number"),
    ({"learning_rate": "nan"}, "give a positive number"),
    ({"learning_rate": "fast"}, "learning_rate"),
    ({"package": "optuna"}, "would shadow the module"),
    ({"package": "mlflow"}, "would shadow the module"),
    ({"package": "2fast"}, "is no package name"),
    ({"package": "class"}, "is a keyword"),
    ({"package": "keras"}, "would shadow the module"),
    ({"package": "random"}, "would shadow the module"),
    ({"package": "tests"}, "would shadow the module"),
    ({"package": "a" * 41}, "at most 40"),
    ({"project_name": "  "}, "it is empty"),
    ({"project_name": "two\nlines"}, "line break"),
    ({"input_kind": "image", "kernel_size": 0}, "1 or more"),
]


@pytest.mark.parametrize(("data", "message"), REFUSED, ids=lambda value: str(value)[:50])
def test_a_bad_answer_is_refused_by_copier_and_leaves_nothing(
    data: dict[str, object], message: str, template: Path, tmp_path: Path
) -> None:
    with pytest.raises(render.RenderError) as refusal:
        render.render(template, data, tmp_path / "project")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "project").exists()
    with pytest.raises(AnswerError):
        Questionnaire().resolve(data)


ODD_NAMES = [
    "\"Quoted\" 'name'",
    "back\\slash \\n",
    "# hash {{ braces }} {% if %}",
    "Größe 大 ☃ 😀",
    "%",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_project_name_renders_to_a_working_project(
    name: str, template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    render.render(template, {"project_name": name}, folder)
    package = Questionnaire().resolve({"project_name": name})["package"]
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["description"] == name
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {name}\n")
    recorded = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert recorded["project_name"] == name
    for path in folder.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))
    assert (folder / "src" / package / "model.py").is_file()


def test_longest_names_stay_clean(template: Path, tmp_path: Path) -> None:
    long = "a" * 39
    data = {
        "package": long + "z",
        "tasks": ", ".join(f"{long}{i}:multiclass(100)" for i in "bcd"),
        "head_units": "; ".join([", ".join(["1000"] * 20)] * 3),
        "trunk_units": ", ".join(["1000"] * 20),
        "layout": "parallel",
    }
    render.render(template, data, tmp_path / "project")
    for arguments in (["format", "--check"], ["check"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--no-cache", tmp_path / "project"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout


def test_tasks_need_not_be_counted(template: Path, tmp_path: Path) -> None:
    render.render(template, {"tasks": "a:binary,\nb:regression,\n"}, tmp_path / "project")
    recorded = yaml.safe_load((tmp_path / "project/.copier-answers.yml").read_text())
    assert recorded["num_tasks"] == 2


def test_the_rules_know_every_question_and_every_module() -> None:
    rules = (ROOT / "template/rules.jinja").read_text(encoding="utf-8").split()
    for question in Questionnaire().questions:
        assert question.name in " ".join(rules)
    public = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    assert public <= set(rules)
