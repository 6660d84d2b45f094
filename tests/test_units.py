"""Test that a test module runs once for all projects in which it sees the same files."""

import subprocess
import sys
from pathlib import Path

import pytest

from generator.choices.combinations import Combinations, enumeration
from generator.projects import render, suites, units, verdicts
from generator.projects.cache import Cache

SOURCES = {
    "src/it/__init__.py": "",
    "src/it/config.py": "A = 1\nB = A + 1\nC = 3\n",
    "src/it/low.py": "from . import config\n\n\ndef low():\n    return config.B\n",
    "src/it/high.py": "from .low import low\n\n\ndef high():\n    from . import late\n",
    "src/it/late.py": "",
    "src/it/other.py": "",
    "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef big():\n    import it.other\n",
    "tests/test_high.py": "from it.high import high\n\n\ndef test_one():\n    high()\n",
    "tests/test_big.py": "from it.low import low\n\n\ndef test_one(big):\n    assert low() == 2\n",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--strict-markers"\n',
}


def write(folder: Path, changes: dict[str, str] | None = None) -> Path:
    """Write a project with a package."""
    for name, text in (SOURCES | (changes or {})).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "text", "changed"),
    [
        ("src/it/config.py", "A = 2\nB = A + 1\nC = 3\n", "test_high test_big"),
        ("src/it/config.py", "A = 1\nB = A + 1\nC = 4\n", ""),
        ("src/it/config.py", "A = 1\nB = A + 1\nC = 3\nprint()\n", "test_high test_big"),
        ("src/it/late.py", "x = 1\n", "test_high"),
        ("src/it/other.py", "x = 1\n", "test_big"),
        ("src/it/new.py", "x = 1\n", ""),
        ("tests/test_big.py", "def test_two():\n    pass\n", "test_big"),
        ("tests/conftest.py", SOURCES["tests/conftest.py"] + "    x = 1\n", "test_big"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "test_high test_big"),
    ],
)
def test_key_changes_with_what_a_module_sees(
    file: str, text: str, changed: str, tmp_path: Path
) -> None:
    old = units.keys(write(tmp_path / "old"))
    new = units.keys(write(tmp_path / "new", {file: text}))
    assert {name for name in old if new[name] != old[name]} == set(changed.split())


def test_module_that_takes_config_sees_all_of_it(tmp_path: Path) -> None:
    takes = {"src/it/low.py": "from . import config\n\n\ndef low():\n    return vars(config)\n"}
    old = units.keys(write(tmp_path / "old", takes))
    new = units.keys(write(tmp_path / "new", takes | {"src/it/config.py": "A = B = 1\nC = 4\n"}))
    assert old["test_high"] != new["test_high"]


def test_name_of_the_package_is_not_seen(tmp_path: Path) -> None:
    write(tmp_path / "it")
    for name, text in SOURCES.items():
        path = tmp_path / "that" / name.replace("src/it/", "src/that/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("it.", "that."), encoding="utf-8")
    assert units.keys(tmp_path / "it") == units.keys(tmp_path / "that")


def three(combinations: Combinations, folder: Path, body: str) -> dict[str, Path]:
    """Write projects for three combinations; the last two differ from the first in a module."""
    names = [c.name for c in combinations.select("*-shared_bottom-separate-equal-jax")][:3]
    changes: list[dict[str, str]] = [{}, {"src/it/other.py": "x = 1\n"}, {}]
    body = f"from it.low import low\n\n\ndef test_one():\n    {body}\n"
    return {
        name: write(folder / name, change | {"tests/test_high.py": body})
        for name, change in zip(names, changes, strict=True)
    }


def test_module_runs_once_and_proves_the_others(combinations: Combinations, tmp_path: Path) -> None:
    projects = three(combinations, tmp_path, "assert low() == 2")
    first, second, third = projects
    asked, cache = combinations.select(*projects), Cache(tmp_path / "cache")
    found = {v.name: v for v in verdicts.run(asked, projects, cache=cache)}
    assert all(v.passed and not v.cached for v in found.values()) and len(found) == 3
    assert found[first].modules == {"test_big": True, "test_high": True}
    assert found[second].modules == {"test_big": True}
    assert found[second].shared == {"test_high": first}
    assert not found[third].modules
    assert found[third].shared == {"test_high": first, "test_big": first}
    again = list(verdicts.run(asked, projects, cache=cache))
    assert [v.cached and v.passed for v in again] == [True] * 3


@pytest.mark.parametrize("body", ["assert False, 'it is red'", "import os; os._exit(3)"])
def test_failure_counts_for_all_that_share_it(
    combinations: Combinations, tmp_path: Path, body: str
) -> None:
    projects = three(combinations, tmp_path, body)
    first, *others = projects
    cache = Cache(tmp_path / "cache")
    found = {v.name: v for v in verdicts.run(combinations.select(*projects), projects, cache=cache)}
    assert not any(v.passed for v in found.values()) and len(found) == 3
    assert all(f"test_high.py failed in {first}:" in found[name].output for name in others)
    again = list(verdicts.run(combinations.select(first), projects, cache=cache))
    assert [v.passed for v in again] == [False]


# Runs one test module, and prints what it opened.
AUDIT = """
import os, sys
import pytest
opened = set()
sys.addaudithook(lambda name, given: opened.add(str(given[0])) if name == "open" else None)
sys.path.insert(0, "src")
code = pytest.main(["-q", "-p", "no:cacheprovider", sys.argv[1], "--basetemp", sys.argv[2]])
opened = {os.path.relpath(path) for path in opened if path.startswith(os.getcwd())}
print("", *opened, sep="\\nOPENED ")
sys.exit(code)
"""


@pytest.mark.parametrize(
    "name",
    [
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "siamese-text-difference-separate-gradnorm-jax",
    ],
)
def test_what_a_module_opens_is_what_it_is_known_to_see(name: str, tmp_path: Path) -> None:
    [combination] = enumeration().select(name)
    project = tmp_path / "project"
    with render.snapshot() as template:
        render.render(template, combination.data, project)
    sources = units.read_sources(project)
    [package] = [path.name for path in (project / "src").iterdir()]
    for test in units.keys(project):
        end = subprocess.run(
            [sys.executable, "-B", "-c", AUDIT, f"tests/{test}.py", str(tmp_path / "tmp")],
            cwd=project,
            env={**suites.ENVIRONMENT, "KERAS_BACKEND": combination.backend},
            capture_output=True,
            text=True,
            check=False,
        )
        assert end.returncode == 0, end.stdout
        lines = end.stdout.splitlines()
        opened = {line.removeprefix("OPENED ") for line in lines if line.startswith("OPENED ")}
        seen = units.see(project, sources, test)
        files = {f"tests/{name}.py" for name in seen} | {"pyproject.toml"}
        files |= {f"src/{name.replace('.', '/')}.py" for name in seen}
        files |= {"src/package/__init__.py"}
        assert {path.replace(package, "package") for path in opened} <= files, test
