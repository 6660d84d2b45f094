"""Make projects under git as people have them (rendered, edited, committed), and update them."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml

from generator.choices.questions import ROOT, Answers
from generator.releases import releases

# The default project, and one far from it for each layout.
BASES: dict[str, Answers] = {
    "default": {},
    "multi_head": {
        "tasks": "price:regression, sold:binary, color:multiclass(3), tags:multilabel(4)",
        "sharing": "ple",
        "heads": "stacked",
        "loss_weighting": "pcgrad",
        "backend": "jax",
        "extras": ["mlflow", "tune"],
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
        "extras": ["report", "tensorboard"],
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
        "extras": ["row_groups"],
        "trunk_units": "16, 8",
        "head_units": "8",
    },
}


@dataclass(frozen=True)
class Edit:
    """A change by hand: `new` replaces `old`, which the file contains once.

    Without `old`, `new` is added at the end of the file. The file may be a new one.
    """

    file: str
    old: str
    new: str

    def possible(self, project: Path) -> bool:
        """Return whether the project has the old text."""
        return not self.old or self.old in self.path(project).read_text(encoding="utf-8")

    def apply(self, project: Path) -> None:
        """Change the file."""
        path = self.path(project)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert not self.old or text.count(self.old) == 1, self
        text = text.replace(self.old, self.new) if self.old else text + self.new
        path.write_text(text, encoding="utf-8")

    def path(self, project: Path) -> Path:
        """Return the path of the file in a project."""
        return project / self.file


CONFIG = "src/mine/config.py"
EPOCHS = Edit(CONFIG, "    epochs: int = 100\n", "    epochs: int = 7\n")
LEARNING_RATE = Edit(CONFIG, "learning_rate: float = 0.001\n", "learning_rate: float = 0.003\n")
FEATURES = Edit(
    CONFIG,
    "FEATURES: tuple[str, ...] = ()\n",
    'FEATURES: tuple[str, ...] = ("age", "height")\n',
)
CALLBACKS = Edit(
    "src/mine/train.py",
    "*callbacks, checkpoint],\n",
    "*callbacks, keras.callbacks.TerminateOnNaN(), checkpoint],\n",
)
README = Edit("README.md", "The second command trains on a", "The second command, of mine, is on a")
EDITS = (
    EPOCHS,
    LEARNING_RATE,
    FEATURES,
    Edit(
        "src/mine/tables.py",
        "    return cells\n",
        '    if "grams" in cells:\n'
        '        cells["ounces"] = cells["grams"].map(ounces)\n'
        "    return cells\n",
    ),
    Edit(
        "src/mine/tables.py",
        "",
        "\n\ndef ounces(grams: float) -> float:\n"
        '    """Convert a mass to avoirdupois ounces."""\n'
        "    return grams / 28.349523125\n",
    ),
    Edit(
        "tests/test_mine.py",
        "",
        "import pyarrow as pa\n\nfrom mine.tables import normalize\n\n\n"
        "def test_an_ounce_has_28_grams() -> None:\n"
        '    table = normalize(pa.table({"grams": [28.35]}))\n'
        '    assert table["ounces"].round(3).tolist() == [1]\n',
    ),
    CALLBACKS,
    Edit("pyproject.toml", "  # your own\n", '  # your own\n  "rich>=13",\n'),
    README,
    Edit("README.md", "", "\n## Notes\n\nA paragraph of mine.\n"),
    Edit(".gitignore", "", "/notes/\n"),
)  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, without a person's settings, and return its output."""
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
    """Commit everything in a folder, and tag the commit if a tag is given."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "all")
    if tag:
        git(folder, "tag", tag)


def template_repository(folder: Path, tag: str = "v1.0.0") -> Path:
    """Make a repository with the present template as its only version."""
    git(folder.parent, "init", "--quiet", str(folder))
    releases.add(ROOT, folder, tag)
    return folder


def copy(repository: Path, project: Path, answers: Answers, version: str | None = None) -> None:
    """Make a project called Mine, as `copier copy --defaults` does."""
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
    """Apply and commit all edits that the project has the text for, and return them."""
    possible = [edit for edit in EDITS if edit.possible(project)]
    for edit in possible:
        edit.apply(project)
    commit(project)
    return possible


def update(project: Path, answers: Mapping[str, Any] | None = None, trust: bool = False) -> None:
    """Update a project, as `copier update --defaults --data ...` does."""
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
    """Return the answers of a project, without Copier's own entries."""
    found = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in found.items() if not name.startswith("_")}


def texts(project: Path) -> dict[str, str]:
    """Return the text of each file of a project, except git's."""
    paths = [path for path in sorted(project.rglob("*")) if path.is_file()]
    names = {str(path.relative_to(project)): path for path in paths}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in names.items()
        if not name.startswith(".git/")
    }


def conflicts(project: Path) -> list[str]:
    """Return the files in which an update has left both versions of some lines."""
    return [name for name, text in texts(project).items() if "<<<<<<< before updating\n" in text]


def fresh(
    repository: Path, folder: Path, answers: Answers, edits: Sequence[Edit], without: Sequence[Edit]
) -> dict[str, str]:
    """Make a new project with answers and all edits except some; return its texts."""
    if folder.exists():
        shutil.rmtree(folder)
    copy(repository, folder, answers)
    for edit in edits:
        if edit not in without:
            edit.apply(folder)
    return texts(folder)
