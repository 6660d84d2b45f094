"""A new choice is one folder and one line: of kinds, sharing, comparison, weightings, extras."""

import re
import shutil
from pathlib import Path

import pytest

from generator.choices.combinations import Combination, Combinations
from generator.choices.questions import ROOT, Questionnaire
from generator.projects import checks, render
from generator.projects.verdicts import run

COUNT = '''from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import keras
import numpy as np
import pandas as pd
from keras import layers
from sklearn.metrics import mean_absolute_error

from .kinds import Kind, Tensor
from .tables import to_numbers


@dataclass(frozen=True)
class Count(Kind):
    """A number of events, 0 or more; the prediction is its mean."""

    mean: float = 1.0

    loss_class = keras.losses.Poisson
    row_metrics = {"mae": keras.losses.mean_absolute_error}
    scores = {"mae": mean_absolute_error}
    errors = ("mae",)

    def fit(self, cells: pd.Series, train: np.ndarray) -> Self:
        """Learn the mean of the training rows."""
        return replace(self, mean=float(to_numbers(cells.iloc[train].dropna()).mean()))

    def encode(self, cells: pd.Series) -> np.ndarray:
        """Read labeled cells as numbers: (rows, 1)."""
        return to_numbers(cells)[:, None]

    def output(self, logits: Tensor) -> Tensor:
        """Turn logits into means of counts."""
        return layers.Activation("softplus", name=self.name, dtype="float32")(logits)

    def baseline(self, score: str) -> Sequence[float]:
        """Return the constant prediction that has the best score."""
        return [self.mean]

    def columns(self, predicted: np.ndarray) -> dict[str, np.ndarray]:
        """Name the columns that predictions, (rows, 1), add to a table."""
        return {f"{self.name}_predicted": predicted[:, 0]}

    def sample_labels(self, values: np.ndarray) -> Sequence[object]:
        """Make sample labels from standardized values."""
        return np.rint(4 + 2 * values).clip(0).tolist()
'''
COUNT_TEST = """import numpy as np
import pandas as pd

from the_package.kinds import Count


def test_count_learns_its_mean():
    visits = Count("visits").fit(pd.Series(["1", None, "3"]), np.arange(3))
    assert visits.mean == 2 and visits.loss_weight == 1
"""
COUNT_ABOUT = """class: Count
bases: []
losses: {}
cells: [numbers]
labels: a number of events
predicts: the mean number of events
gives: the mean number of events
"""
HELLO = '''"""A greeting."""


def hello(name: str) -> None:
    """Greet somebody."""
    print(f"Hello, {name}.")
'''
HELLO_COMMAND = '''def greet(name: str = "world") -> None:
    """Greet somebody.

    Args:
        name: Whom to greet.
    """
    from .greeting import hello

    hello(name)
'''
HELLO_TEST = '''"""A greeting."""

from {{ package }}.greeting import hello


def test_greeting_names_somebody(capsys):
    hello("you")
    assert capsys.readouterr().out == "Hello, you.\\n"
'''


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the template, to be extended."""
    folder = tmp_path / "template"
    shutil.copytree(ROOT / "template", folder / "template")
    shutil.copy(ROOT / "copier.yml", folder)
    return folder


def extend(copy: Path, old: str, new: str) -> None:
    """Replace a text of copier.yml that is there once."""
    text = (copy / "copier.yml").read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    (copy / "copier.yml").write_text(text.replace(old, new), encoding="utf-8")


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files into a new folder."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def prove(copy: Path, data: dict[str, object], folder: Path, only_new: bool = False) -> None:
    """Render a project of an extended template, check it, and run its suite."""
    answers = Questionnaire(copy).resolve(data)
    combination = Combination("new", data, answers)
    with render.snapshot(copy) as template:
        render.render(template, data, folder / "new")
    projects = {"new": folder / "new"}
    found = checks.check_all([combination], projects, copy)
    assert not found["new"]
    [verdict] = run([combination], projects)
    assert verdict.passed and verdict.tests, verdict.output


SMALL: dict[str, object] = {
    "trunk_units": "16, 8",
    "head_units": "8",
    "backend": "jax",
    "package": "extended",
}


@pytest.mark.parametrize("heads", ["separate", "stacked"])
def test_new_kind_is_one_folder(heads: str, copy: Path, tmp_path: Path) -> None:
    files = {"part.py": COUNT, "test.py": COUNT_TEST, "about.yml": COUNT_ABOUT}
    write(copy / "template/parts/kinds/count", files)
    extend(copy, "default: regression, binary,", "default: regression, count, binary,")
    tasks = "visits:count, calls:count, sold:binary"
    prove(copy, SMALL | {"project_name": "New", "tasks": tasks, "heads": heads}, tmp_path)


def test_new_extra_is_one_folder_and_one_line(copy: Path, tmp_path: Path) -> None:
    about = (
        "modules: [greeting]\ntests: [test_greeting]\ncommands: [greet]\ncallbacks: []\n"
        "packages: {}\nreadme: ['`greet` greets somebody.']\n"
    )
    write(
        copy / "template/parts/extras/greeting", {"about.yml": about, "command.py": HELLO_COMMAND}
    )
    project = copy / "template" / "project"
    name = "{% if 'greeting' in extras %}greeting.py{% endif %}"
    (project / "src" / "{{ package }}" / name).write_text(HELLO, encoding="utf-8")
    name = "{% if 'greeting' in extras %}test_greeting.py{% endif %}.jinja"
    (project / "tests" / name).write_text(HELLO_TEST, encoding="utf-8")
    extend(copy, '    "github_ci:', '    "greeting: says hello": greeting\n    "github_ci:')
    prove(copy, SMALL | {"project_name": "New", "extras": ["greeting"]}, tmp_path)


# By question: one of its choices, the folder of its parts, and answers under which it is asked.
EXTENSIBLE = {
    "comparison": ("product", "comparison", {"layout": "siamese"}),
    "sharing": ("mmoe", "sharing", {}),
    "loss_weighting": ("dwa", "weighting", {}),
}


@pytest.mark.parametrize("question", EXTENSIBLE)
def test_new_choice_is_one_folder_and_one_line(question: str, copy: Path, tmp_path: Path) -> None:
    like, slot, answers = EXTENSIBLE[question]
    text = (copy / "copier.yml").read_text(encoding="utf-8")
    [line] = re.findall(rf"(?ms)^{question}:.*?(^    [^\n]*: {like}\n)", text)
    extend(copy, line, line + '    "newcomer: another one": newcomer\n')
    parts = copy / "template/parts" / slot
    shutil.copytree(parts / like, parts / "newcomer")
    names = {c.name for c in Combinations(Questionnaire(copy)).all() if "+" not in c.name}
    like_it = {name for name in names if like in re.split(r"[-+]", name)}
    assert len({name for name in names if "newcomer" in name}) == len(like_it) > 0
    data = SMALL | answers | {"project_name": "New", question: "newcomer"}
    with render.snapshot(copy) as template:
        render.render(template, data, tmp_path / "new")
