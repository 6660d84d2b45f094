"""Parts are valid Python as they stand: linted, formatted and type-checked where they are."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.choices.combinations import Combination, enumeration
from generator.choices.questions import ROOT
from generator.projects import checks, render

PARTS = ROOT / "template" / "parts"
PYTHON = sorted(PARTS.rglob("*.py"))
CODE = [path for path in PYTHON if not path.stem.endswith("test")]
TASKS = "price:regression, sold:binary, color:multiclass(3), tags:multilabel(4)"
KINDS = sorted(path.name for path in (PARTS / "kinds").iterdir())

# Projects in which parts are type-checked: each in the last one that has its choice, else in the
# first. A project lacks what only another choice provides, such as `share` beside `compare`.
HOMES: dict[str, dict[str, Any]] = {
    "pairs": {
        "layout": "siamese", "loss_weighting": "gradnorm", "heads": "stacked", "backend": "jax",
        "regression_loss": "huber", "label_smoothing": 0.1, "class_weights": "balanced",
        "extras": ["compare", "report", "export", "transfer", "tune", "tensorboard", "mlflow"],
    },
    "sequences": {
        "layout": "multi_head", "input_kind": "sequence", "input_shape": "6, 2", "sharing": "mmoe",
        "loss_weighting": "fixed", "loss_weights": "1, 2, 3, 4", "heads": "stacked",
        "extras": ["data_parallel", "report"], "backend": "jax",
    },
    "images": {
        "layout": "multi_head", "input_kind": "image", "input_shape": "8, 8, 3", "sharing": "ple",
        "head_units": "8; 8, 4; ; 8", "extras": ["row_groups", "report", "transfer"],
        "backend": "jax",
    },
    "texts": {
        "layout": "multi_head", "input_kind": "text", "input_shape": "16",
        "sharing": "cross_stitch", "loss_weighting": "pcgrad", "extras": ["report"],
        "backend": "tensorflow",
    },
}  # fmt: skip
# Folders that no answer names, by the project that has their choice.
MORE = {
    "weighted": "sequences", "unequal": "images", "tensorflow.py": "texts",
    "row_groups_plain": "images", "row_groups_transfer": "images",
}  # fmt: skip


@pytest.fixture(scope="module")
def homes(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render the projects that parts are checked in."""
    folder = tmp_path_factory.mktemp("homes")
    for name, answers in HOMES.items():
        names = {"project_name": f"The {name}", "package": f"the_{name}", "tasks": TASKS}
        render.render(template, names | answers, folder / name)
    return {name: folder / name for name in HOMES}


def words(answers: dict[str, Any]) -> set[str]:
    """List the choices among answers."""
    listed = [v if isinstance(v, list) else [v] for v in answers.values()]
    return {word for words in listed for word in words if isinstance(word, str)}


def home(path: Path) -> str:
    """Choose the project that a part is type-checked in."""
    folders = path.relative_to(PARTS).parts
    found = [MORE[folder] for folder in folders if folder in MORE]
    found += [name for name in reversed(HOMES) if words(HOMES[name]) & set(folders[1:])]
    return found[0] if found else "pairs"


def ruff(*arguments: str, config: Path) -> str:
    """Run ruff on all parts by the rules of a project; return what it finds."""
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", f"--config={config}"]
    end = subprocess.run([*command, str(PARTS)], capture_output=True, text=True, check=False)
    return "" if end.returncode == 0 else end.stdout + end.stderr


def test_parts_are_python_without_jinja() -> None:
    for path in PYTHON:
        text = path.read_text(encoding="utf-8")
        ast.parse(text, str(path))
        assert not re.search(r"\{\{|\{%|\{#", text), path


def test_parts_follow_the_rules_of_projects(homes: dict[str, Path]) -> None:
    config = homes["pairs"] / "pyproject.toml"
    options = (
        "--output-format=concise",
        "--extend-ignore=D100",  # a part is no module of its own
        "--config=lint.isort.known-first-party=['the_package']",
        "--config=lint.extend-per-file-ignores={'*test.py'=['D']}",
    )
    assert not ruff("check", *options, config=config)
    assert not ruff("format", "--check", config=config)


def test_parts_are_type_checked_beside_their_project(homes: dict[str, Path]) -> None:
    for path in CODE:
        name = home(path)
        module = "part_" + "_".join(path.relative_to(PARTS).with_suffix("").parts)
        shutil.copy(path, homes[name] / "src" / f"the_{name}" / f"{module}.py")
    packages = [(Combination(n, {}, {"package": f"the_{n}"}), homes[n]) for n in HOMES]
    assert not checks.type_check(packages)


def test_folder_of_a_choice_has_its_files() -> None:
    choices = {q.name: q.choices for q in enumeration().questionnaire.questions}
    slots = {
        "inputs": choices["input_kind"],
        "layout": choices["layout"],
        "comparison": choices["comparison"],
        "sharing": choices["sharing"],
        "heads": (*choices["heads"], "unequal"),
        "weighting": choices["loss_weighting"],
        "extras": choices["extras"],
        "class_weights": choices["class_weights"],
        "kinds": tuple(KINDS),
    }
    for slot, names in slots.items():
        folders = {path.name for path in (PARTS / slot).iterdir() if path.is_dir()}
        assert folders == set(names), slot
        for folder in ((PARTS / slot / name) for name in names):
            if slot not in ("layout", "class_weights"):
                about = yaml.safe_load((folder / "about.yml").read_text(encoding="utf-8"))
                assert isinstance(about, dict), folder
            if slot != "extras":
                assert (folder / "part.py").is_file(), folder
            elif about["modules"]:
                assert [*folder.glob("*.py")], folder
                assert (folder / "command.py").is_file() == bool(about["commands"]), folder


def test_tests_of_parts_import_the_package_by_its_common_name() -> None:
    for path in set(PYTHON) - set(CODE):
        imported = re.findall(r"^from (the_\w+|\.\w*)", path.read_text(encoding="utf-8"), re.M)
        assert set(imported) == {"the_package"}, path


def test_nothing_compares_the_name_of_a_kind() -> None:
    name = rf"""["'](?:{"|".join(KINDS)})(?:\(\d+\))?["']"""
    compared = re.compile(
        rf"[=!]=\s*{name}|{name}\s*(?:[=!]=|in\b)|\bin\s*[\[({{]\s*{name}|\bcase {name}"
    )
    files = [ROOT / "copier.yml", *(ROOT / "template").rglob("*"), *(ROOT / "generator").rglob("*")]
    for path in files:
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text(encoding="utf-8")
            assert not compared.search(text), (path, compared.search(text))
    assert compared.search('if kind == "regression"') and compared.search("kind in ('binary',)")
