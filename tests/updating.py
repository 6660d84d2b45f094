"""Projects under git as people have them: rendered, edited by hand, committed; and updated."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml

from generator.choices.questions import ROOT, Answers
from generator.releases import releases

# The default, and of each layout a project that is far from it.
BASES: dict[str, Answers] = {
    "default": {},
    "multi_head": {
        "tasks": "price:regression, sold:binary, colour:multiclass(3), tags:multilabel(4)",
        "sharing": "ple",
        "heads": "stacked",
        "loss_weighting": "pcgrad",
        "backend": "jax",
        "tracking": "mlflow",
        "tuning": "optuna",
        "trunk_units": "16",
        "head_units": "8",
    },
    "siamese": {
        "layout": "siamese",
        "input_kind": "text",
        "input_shape": "16",
        "tasks": "same_author:binary, same_topic:binary, likeness:regression",
        "comparison": "combined",
        "loss_weighting": "uncertainty",
        "tracking": "tensorboard",
        "trunk_units": "16, 8",
        "head_units": "8; 8, 4; ",
    },
    "parallel": {
        "layout": "parallel",
        "input_kind": "sequence",
        "input_shape": "6, 2",
        "tasks": "a:regression, b:regression, c:regression",
        "heads": "shared_output",
        "loss_weighting": "fixed",
        "loss_weights": "1, 2, 0.5",
        "backend": "jax",
        "streaming": "row_groups",
        "trunk_units": "16, 8",
        "head_units": "8",
    },
}


@dataclass(frozen=True)
class Edit:
    """What a person changes by hand: in a file, a piece of text that is there once; `new` for it.

    Without `old`, `new` is added at the end of the file, which may be new itself.
    """

    file: str
    old: str
    new: str

    def possible(self, project: Path) -> bool:
        """Whether the project has that text."""
        return not self.old or self.old in self.path(project).read_text(encoding="utf-8")

    def apply(self, project: Path) -> None:
        """Change the file."""
        path = self.path(project)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert not self.old or text.count(self.old) == 1, self
        text = text.replace(self.old, self.new) if self.old else text + self.new
        path.write_text(text, encoding="utf-8")

    def path(self, project: Path) -> Path:
        """The file in a project."""
        return project / self.file


CONFIG = "src/mine/config.py"
EPOCHS = Edit(CONFIG, "    epochs: int = 100\n", "    epochs: int = 7\n")
LEARNING_RATE = Edit(CONFIG, "learning_rate: float = 0.001\n", "learning_rate: float = 0.003\n")
FEATURES = Edit(
    CONFIG,
    "FEATURES: tuple[str, ...] = ()\n",
    'FEATURES: tuple[str, ...] = ("age", "height")\n',
)
EDITS = (
    EPOCHS,
    LEARNING_RATE,
    FEATURES,
    Edit(
        "src/mine/data.py",
        "    table = table.set_axis(table.columns.map(str), axis=1)\n",
        "    table = table.set_axis(table.columns.map(str), axis=1)\n"
        '    if "grams" in table:\n'
        '        table["ounces"] = table["grams"].map(ounces)\n',
    ),
    Edit(
        "src/mine/data.py",
        "",
        "\n\ndef ounces(grams: float) -> float:\n"
        '    """Avoirdupois ounces of a mass."""\n'
        "    return grams / 28.349523125\n",
    ),
    Edit(
        "tests/test_mine.py",
        "",
        "import pandas as pd\n\nfrom mine.data import cleaned\n\n\n"
        "def test_an_ounce_has_some_28_grams() -> None:\n"
        '    assert cleaned(pd.DataFrame({"grams": [28.35]}))["ounces"].round(3).tolist() == [1]\n',
    ),
    Edit(
        "src/mine/train.py",
        "                *ends,\n",
        "                *ends,\n                keras.callbacks.TerminateOnNaN(),\n",
    ),
    Edit("pyproject.toml", "  # your own\n", '  # your own\n  "rich>=13",\n'),
    Edit("README.md", "The second command trains on a", "The second command, of mine, is on a"),
    Edit("README.md", "", "\n## Notes\n\nA paragraph of mine.\n"),
)  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as nobody in particular; its output."""
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        check=True,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def commit(folder: Path, tag: str = "") -> None:
    """Everything in a folder as a commit, perhaps with a tag."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "all")
    if tag:
        git(folder, "tag", tag)


def template_repository(folder: Path, tag: str = "v1.0.0") -> Path:
    """The present template as a repository with one version."""
    git(folder.parent, "init", "--quiet", str(folder))
    releases.add(ROOT, folder, tag)
    return folder


def copy(repository: Path, project: Path, answers: Answers, version: str | None = None) -> None:
    """`copier copy --defaults`: a project that is called Mine."""
    copier.run_copy(
        str(repository),
        project,
        data={"project_name": "Mine", **answers},
        vcs_ref=version,
        defaults=True,
        quiet=True,
        settings=copier.Settings(),
    )


def edited(project: Path) -> list[Edit]:
    """Everything that a person does and that can be done there, done and committed."""
    possible = [edit for edit in EDITS if edit.possible(project)]
    for edit in possible:
        edit.apply(project)
    commit(project)
    return possible


def update(project: Path, answers: Mapping[str, Any] | None = None, trust: bool = False) -> None:
    """`copier update --defaults --data ...`"""
    copier.run_update(
        project,
        data=dict(answers or {}),
        defaults=True,
        overwrite=True,
        quiet=True,
        unsafe=trust,
        settings=copier.Settings(),
    )


def recorded(project: Path) -> Answers:
    """The answers of a project, without Copier's own."""
    found = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in found.items() if not name.startswith("_")}


def texts(project: Path) -> dict[str, str]:
    """All files of a project, but for git's."""
    return dict(sorted(_texts(project)))


def _texts(project: Path) -> Iterator[tuple[str, str]]:
    for path in project.rglob("*"):
        name = str(path.relative_to(project))
        if path.is_file() and not name.startswith(".git/"):
            yield name, path.read_text(encoding="utf-8")


def conflicts(project: Path) -> list[str]:
    """Files in which an update has left both versions of some lines."""
    return [name for name, text in texts(project).items() if "<<<<<<< before updating\n" in text]


def fresh(
    repository: Path, folder: Path, answers: Answers, edits: Sequence[Edit], without: Sequence[Edit]
) -> dict[str, str]:
    """The texts of a new project with these answers, and the edits but for some."""
    if folder.exists():
        shutil.rmtree(folder)
    copy(repository, folder, answers)
    for edit in edits:
        if edit not in without:
            edit.apply(folder)
    return texts(folder)
