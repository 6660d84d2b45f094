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


@pytest.mark.parametrize(
    ("expression", "all_of_it"),
    [
        ("vars(config)", True),
        ('getattr(config, "c".upper())', True),
        ("[config]", True),
        ('getattr(config, "B")', False),
        ("(lambda name: getattr(config, name))('B')", False),
    ],
)
def test_module_that_takes_config_sees_all_of_it(
    expression: str, all_of_it: bool, tmp_path: Path
) -> None:
    takes = {"src/it/low.py": f"from . import config\n\n\ndef low():\n    {expression}\n"}
    old = units.keys(write(tmp_path / "old", takes))
    changed = takes | {"src/it/config.py": "A = 1\nB = A + 1\nC = 4\n"}
    new = units.keys(write(tmp_path / "new", changed))
    assert (old["test_high"] != new["test_high"]) == all_of_it


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


def test_change_of_any_file_changes_the_keys_of_the_modules_that_see_it(
    template: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    render.render(template, {"package": "my_project"}, project)
    before, sources = units.keys(project), units.read_sources(project)
    see = {test: units.see(project, sources, test).keys() for test in before}
    places = {"package": "package.__init__"}
    for path in [*project.glob("src/*/*.py"), *project.glob("tests/*.py")]:
        text = path.read_text("utf-8")
        path.write_text(text + "\nprint()\n", "utf-8")
        after = units.keys(project)
        path.write_text(text, "utf-8")
        stem = path.stem if path.parent.name == "tests" else f"package.{path.stem}"
        expected = {
            test
            for test, modules in see.items()
            if stem in {places.get(name, name) for name in modules}
            or str(path.relative_to(project)) in modules
        }
        assert {test for test in before if before[test] != after[test]} == expected, path
        assert expected, path


# Runs each test module in a process of its own; prints the files that it opened, and the constants
# of config.py that it read.
AUDIT = """
import importlib, os, sys, types
import keras, pandas, pytest

package, temporary, *tests = sys.argv[1:]
opened, read = set(), set()


class Watched(types.ModuleType):
    def __getattribute__(self, name):
        read.add(name)
        return super().__getattribute__(name)


def run(test):
    sys.addaudithook(lambda name, given: opened.add(str(given[0])) if name == "open" else None)
    sys.path.insert(0, "src")
    importlib.import_module(f"{package}.config").__class__ = Watched
    read.clear()
    options = ["-q", "-p", "no:cacheprovider", "--basetemp", f"{temporary}/{test}"]
    code = pytest.main([*options, f"tests/{test}.py"])
    files = {os.path.relpath(path) for path in opened if path.startswith(os.getcwd())}
    for what, found in (("opened", files), ("read", read)):
        for each in found:
            print("SEEN", test, what, each)
    sys.stdout.flush()
    os._exit(code)


for test in tests:
    if not os.fork():
        run(test)
    if os.wait()[1]:
        sys.exit(f"{test} failed")
"""


def watched() -> list[str]:
    """Name the combinations that are watched: in a few of them, every choice is made."""
    return [c.name for c in enumeration().covering(1) if c.backend == "jax"]


@pytest.mark.parametrize("name", watched())
def test_module_sees_no_more_than_its_key_says(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    every = request.config.getoption("--strength") == "all"
    if not every and name != watched()[0]:
        pytest.skip("part of `make test-all`")
    [combination] = enumeration().select(name)
    project = tmp_path / "project"
    with render.snapshot() as template:
        render.render(template, combination.data, project)
    sources, tests = units.read_sources(project), list(units.keys(project))
    [package] = [path.name for path in (project / "src").iterdir()]
    if not every:  # those that train see nearly everything, and take time
        tests = [t for t in tests if "package.train" not in units.see(project, sources, t)]
        assert len(tests) > 5
    end = subprocess.run(
        [sys.executable, "-B", "-c", AUDIT, package, str(tmp_path), *tests],
        cwd=project,
        env={**suites.ENVIRONMENT, "KERAS_BACKEND": combination.backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 0, f"{end.stdout}\n{end.stderr}"
    lines = [line.split() for line in end.stdout.splitlines() if line.startswith("SEEN ")]
    constants = units.parts_of(sources[units.CONFIG]).keys()
    assert {test for _, test, what, _ in lines if what == "opened"} == set(tests)
    for test in tests:
        seen = units.see(project, sources, test)
        files = {f"tests/{name}.py" for name in seen} | {"pyproject.toml"}
        files |= {f"src/{name.replace('.', '/')}.py" for name in seen}
        files |= {"src/package/__init__.py", *(path.replace(package, "package") for path in seen)}
        opened = {found for _, by, what, found in lines if (by, what) == (test, "opened")}
        opened = {path for path in opened if "__pycache__" not in path}  # the source is read, too
        read = {found for _, by, what, found in lines if (by, what) == (test, "read")}
        assert {path.replace(package, "package") for path in opened} <= files, test
        config = seen.get(units.CONFIG) or seen.get(f"src/{package}/config.py", "")
        assert read & constants <= units.parts_of(config).keys(), test
