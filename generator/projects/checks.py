"""Check rendered projects without running them.

ruff sees all projects in one call, mypy in one call per core. Many projects have the same code
except for the name of the package: dead code is searched in one of them. Types are checked in a few
projects that together contain every file. Every finding is a line that starts with the project's
directory.
"""

import ast
import functools
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jinja2
import vulture
import yaml

from generator.choices.combinations import Combination
from generator.choices.questions import LOADER, ROOT, Answers

# Replaces a project's own name where files of several projects are compared.
PACKAGE = "the_package"

# Keras, dataclasses and pytest call these by name.
CALLED_BY_OTHERS = {
    *("call", "compute_loss", "epoch", "load_assets", "load_own_variables", "on_epoch_end"),
    *("on_test_end", "on_train_end", "save_assets", "save_own_variables", "train_step"),
}
CALLED_BY_OTHERS |= {"on_epoch_begin", "on_train_batch_end", "on_train_begin"}
CALLED_BY_OTHERS |= {
    "compute_metrics",
    "train_function",
    "from_config",
    "get_config",
    "update_state",
    "built",
}
CALLED_BY_OTHERS |= {
    "stop_training",
    "activity_regularizer",
    "regularizer",
    "trainable",
    "training",
    "x",
}
# The console script of pyproject.toml.
CALLED_BY_OTHERS |= {"main"}
# Registered by functools.singledispatch, or a parameter that is not used.
CALLED_BY_OTHERS |= {"_", "__", "get_tensor_layout"}
# config.py states it also where all tasks have the same kind.
CALLED_BY_OTHERS |= {"kind"}
JINJA = functools.cache(jinja2.Environment().compile_expression)
# Folders of parts whose name is not that of the question that chooses one.
SLOTS = {"input_kind": "inputs", "loss_weighting": "weighting"}
# A number, or a text in one line.
VALUES = re.compile(r'\b\d+(\.\d+)?(e-?\d+)?|"[^"\n]*"')
JINJA_LEFT = re.compile(r"(?<!\$)\{\{|\{%|\{#")  # ${{ }} is GitHub's
# The modules that every project has.
MODULES = (
    "__init__",
    "__main__",
    "config",
    "data",
    "epochs",
    "evaluate",
    "inputs",
    "kinds",
    "model",
    "plots",
    "predict",
    "runs",
    "sample",
    "tables",
    "train",
)
TESTS = (
    "conftest",
    "test_cli",
    "test_data",
    "test_epochs",
    "test_evaluate",
    "test_inputs",
    "test_kinds",
    "test_model",
    "test_predict",
    "test_project",
    "test_train",
)
ROOT_FILES = {
    ".copier-answers.yml",
    ".gitattributes",
    ".gitignore",
    "AGENTS.md",
    "README.md",
    "pyproject.toml",
}


def expected_files(answers: Answers, template: Path = ROOT) -> set[str]:
    """List every file of a project.

    Beyond those of every project, the `about.yml` of a chosen part names `modules`, `tests` and
    other `files` that the part adds. Each is a list, or a mapping of names to the condition under
    which they are added, which is an expression of Jinja that reads the answers.
    """
    added: dict[str, list[str]] = {"modules": [], "tests": [], "files": []}
    for part in chosen_parts(answers, template):
        for what, names in added.items():
            names += [n for n, when in conditions(part, what) if JINJA(when)(**answers)]
    return {
        *ROOT_FILES,
        *added["files"],
        *(f"src/{answers['package']}/{name}.py" for name in (*MODULES, *added["modules"])),
        *(f"tests/{name}.py" for name in (*TESTS, *added["tests"])),
    }


def chosen_parts(answers: Answers, template: Path) -> Iterator[Path]:
    """Yield the folders of chosen parts, of their slots and of all parts that have an about.yml."""
    folders = [template / "template/parts"]
    for question, answer in answers.items():
        slot = folders[0] / SLOTS.get(question, question)
        if slot.is_dir():
            choices = answer if isinstance(answer, list) else [answer]
            folders += [slot, *(slot / str(choice) for choice in choices)]
    yield from (folder for folder in folders if (folder / "about.yml").is_file())


@functools.cache
def conditions(part: Path, what: str) -> tuple[tuple[str, str], ...]:
    """Return what a part adds, each with the condition under which it does."""
    about = yaml.load((part / "about.yml").read_text(encoding="utf-8"), LOADER) or {}
    names = about.get(what, [])
    if isinstance(names, dict):
        return tuple((name, str(when)) for name, when in names.items())
    return tuple((name, "true") for name in names)


def check_all(
    combinations: Sequence[Combination], projects: Mapping[str, Path], template: Path = ROOT
) -> dict[str, list[str]]:
    """Return findings by name of the project.

    Args:
        combinations: what to check.
        projects: the directory of each, by name; all are below one directory.
        template: what they were rendered from.
    """
    if not combinations:
        return {}
    root = Path(os.path.commonpath([projects[c.name].parent for c in combinations]))
    alike = same_code(combinations, projects)
    firsts = [(group[0], projects[group[0].name]) for group in alike]
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(1 + cores) as pool:  # the threads wait for processes
        linting = pool.submit(format_and_lint, root)
        few = every_file_once(firsts)
        typing = [pool.submit(type_check, few[i::cores]) for i in range(cores) if few[i:]]
        findings = {c.name: list(_findings(projects[c.name], c, template)) for c in combinations}
        dead = [dead_code(folder, str(c.answers["package"])) for c, folder in firsts]
        lint, types = linting.result(), [line for part in typing for line in part.result()]
    for group, (_, first), unused in zip(alike, firsts, dead, strict=True):
        own = unused + [line for line in types if f"{first}{os.sep}" in line]
        for combination in group:
            findings[combination.name] += own
    for combination in combinations:
        folder = f"{projects[combination.name]}{os.sep}"
        findings[combination.name] += [line for line in lint if folder in line]
    # A line that names no project may concern any.
    homeless = [line for line in lint + types if str(root) + os.sep not in line]
    return {name: found + homeless for name, found in findings.items()}


def same_code(
    combinations: Sequence[Combination], projects: Mapping[str, Path]
) -> list[list[Combination]]:
    """Group combinations whose code is the same except for the package's name and the backend."""
    groups: dict[bytes, list[Combination]] = {}
    for combination in combinations:
        folder, package = projects[combination.name], str(combination.answers["package"])
        key = hashlib.sha256()
        for path in sorted(folder.rglob("*.py")):
            if path.name != "__init__.py":
                key.update(common_text(path, package).encode())
        groups.setdefault(key.digest(), []).append(combination)
    return list(groups.values())


def every_file_once(projects: Sequence[tuple[Combination, Path]]) -> list[tuple[Combination, Path]]:
    """Select a few projects that together contain every file.

    Apart from the package's name, numbers and short texts, whose values have no effect on types.
    """
    files = {}
    for combination, folder in projects:
        package = str(combination.answers["package"])
        paths = (folder / "src" / package).glob("*.py")
        files[combination] = {
            (path.name, VALUES.sub("0", common_text(path, package))) for path in paths
        }
    missing = set().union(*files.values())
    chosen = []
    while missing:
        best = max(files, key=lambda c: len(files[c] & missing))
        chosen.append(best)
        missing -= files[best]
    return [(combination, folder) for combination, folder in projects if combination in chosen]


def common_text(path: Path, package: str) -> str:
    """Return a file's text as it is in every project that shares it."""
    return read(path).replace(package, PACKAGE)


def read(path: Path) -> str:
    """Read a file; U+FFFD replaces what is not UTF-8."""
    return path.read_text(encoding="utf-8", errors="replace")


def _findings(folder: Path, combination: Combination, template: Path) -> Iterator[str]:
    package = str(combination.answers["package"])
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(files ^ expected_files(combination.answers, template)):
        yield f"{folder}/{name}: {'not expected' if name in files else 'missing'}"
    for name in sorted(files):
        for found in faults(common_text(folder / name, package), name.endswith(".py")):
            yield f"{folder}/{name}:{found}"
    recorded: dict[str, object] = {}
    for name, parse in (
        ("pyproject.toml", tomllib.loads),
        (".copier-answers.yml", functools.partial(yaml.load, Loader=LOADER)),
    ):
        try:
            recorded = dict(parse(read(folder / name))) if name in files else {}
        except (ValueError, TypeError, yaml.YAMLError) as error:
            yield f"{folder}/{name}: {' '.join(str(error).split())}"
            return
    for key, value in combination.answers.items():
        if recorded.get(key) != value:
            yield f"{folder}/.copier-answers.yml: {key} is {recorded.get(key)!r}, not {value!r}"


@functools.cache
def faults(text: str, python: bool) -> tuple[str, ...]:
    """Return what is wrong with a text, with the line where there is one."""
    found = []
    if "\N{REPLACEMENT CHARACTER}" in text:
        found.append(" is not UTF-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if JINJA_LEFT.search(line):
            found.append(f"{number}: Jinja is left")
        if line != line.rstrip():
            found.append(f"{number}: white space at the end of the line")
    if not text.endswith("\n") or text.endswith("\n\n"):
        found.append(" does not end with one newline")
    if python:
        try:
            ast.parse(text)
        except SyntaxError as error:
            found.append(f"{error.lineno}: {error.msg}")
    return tuple(found)


def dead_code(folder: Path, package: str) -> list[str]:
    """List unused functions, classes, parameters, attributes and imports, and unreachable lines."""
    project = vulture.Vulture()
    for path in folder.rglob("*.py"):
        place = str(path.relative_to(folder)).replace(package, PACKAGE)
        part = names_of(common_text(path, package), place)
        project.used_names.update(part.used_names)
        project.unreachable_code.extend(part.unreachable_code)
        for name, found in vars(part).items():
            if name.startswith("defined_"):
                getattr(project, name).extend(found)
    imported = frozenset(item.name for item in project.defined_imports)
    project.used_names.update(called_names(imported))
    findings = []
    texts = [read(path) for path in (folder / "src").rglob("*.py")]
    for item in project.get_unused_code(min_confidence=60):
        by_name = any(f'"{item.name}"' in text for text in texts)  # a constant that is looked up
        if not (item.name in CALLED_BY_OTHERS or item.name.startswith("test_") or by_name):
            path = folder / str(item.filename).replace(PACKAGE, package)
            line = read(path).splitlines()[item.first_lineno - 1]
            if "pytest.fixture" not in line:
                findings.append(f"{path}:{item.first_lineno}: unused {item.typ} '{item.name}'")
    return sorted(findings)


@functools.cache
def called_names(imported: frozenset[str]) -> set[str]:
    """Return the names that modules call, where vulture knows it."""
    finder = vulture.Vulture()
    finder.scan("".join(f"import {name}\n" for name in imported))
    finder.scavenge([])
    return set(finder.used_names)


@functools.cache
def names_of(code: str, path: str) -> vulture.Vulture:
    """Return what a file defines and uses; many projects share most files."""
    finder = vulture.Vulture()
    finder.scan(code, filename=path)
    return finder


def format_and_lint(root: Path) -> list[str]:
    """Run ruff on all projects below a directory, each with its own configuration."""
    findings = []
    for arguments in (("format", "--check"), ("check", "--output-format=concise")):
        findings += _about(_tool("ruff", *arguments, "--no-cache", str(root)), root)
    return findings


def type_check(projects: Sequence[tuple[Combination, Path]]) -> list[str]:
    """Run mypy on the packages of some projects in one process."""
    packages = [str(combination.answers["package"]) for combination, _ in projects]
    environment = {"MYPYPATH": os.pathsep.join(str(folder / "src") for _, folder in projects)}
    run = _tool(
        "mypy",
        f"--config-file={projects[0][1] / 'pyproject.toml'}",
        "--no-error-summary",
        "--no-incremental",
        f"--cache-dir={os.devnull}",  # two processes would lock one another out
        "--show-absolute-path",
        *(argument for package in packages for argument in ("-p", package)),
        environment=environment,
    )
    return _about(run, Path(os.path.commonpath([folder.parent for _, folder in projects])))


def _about(run: subprocess.CompletedProcess[str], root: Path) -> list[str]:
    """Return a tool's lines on projects below a directory, or the end of its output."""
    if run.returncode == 0:
        return []
    lines = (run.stdout + run.stderr).splitlines()
    silent = f"{' '.join(run.args[2:4])} ended with {run.returncode}: {' '.join(lines[-3:])}"
    return [line for line in lines if f"{root}{os.sep}" in line] or [silent]


def _tool(
    name: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", name, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
