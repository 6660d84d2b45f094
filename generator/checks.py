"""What a rendered project must satisfy without being run.

Tools that take many files at once see all projects in one call (ruff), or in one a core (mypy).
Where projects have the same code but for the name of the package, one is searched for dead code for
all; types are checked in so few that every file of the package is in one. A file that many share is
read once. Every finding is a line that starts with the project's directory.
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

import vulture
import yaml

from generator.combinations import Combination
from generator.questions import Answers

# Stands for a project's own name where files of several projects are compared.
PACKAGE = "the_package"

# What Keras, dataclasses and pytest call by name.
CALLED_BY_OTHERS = {
    *("call", "compute_loss", "epoch", "load_assets", "load_own_variables", "on_epoch_end"),
    *("on_test_end", "on_train_end", "save_assets", "save_own_variables", "train_step"),
}
CALLED_BY_OTHERS |= {"on_epoch_begin", "on_train_batch_end", "on_train_begin"}
CALLED_BY_OTHERS |= {"compute_metrics", "from_config", "get_config", "update_state", "built"}
CALLED_BY_OTHERS |= {"activity_regularizer", "regularizer", "trainable", "training", "x"}
# The console scripts of pyproject.toml.
CALLED_BY_OTHERS |= {"script"}
# A reader of config.py wants to see it also where all tasks have the same.
CALLED_BY_OTHERS |= {"kind"}
MODULES = (
    "__init__",
    "arguments",
    "batches",
    "callbacks",
    "card",
    "cli",
    "config",
    "curves",
    "data",
    "evaluate",
    "export",
    "model",
    "multi_task",
    "predict",
    "prepare",
    "report",
    "runs",
    "sample",
    "stream",
    "train",
    "weighting",
)
TESTS = (
    "conftest",
    "helpers",
    "test_cli",
    "test_data",
    "test_export",
    "test_losses",
    "test_model",
    "test_precision",
    "test_predict",
    "test_project",
    "test_runs",
    "test_training",
    "test_weighting",
)


def expected_files(answers: Answers) -> set[str]:
    """Every file of a project."""
    mixes = answers.get("sharing", "shared_bottom") != "shared_bottom"
    modules = (*MODULES, "sharing") if mixes else MODULES
    modules = (*modules, "compare") if int(answers["num_tasks"]) > 1 else modules
    tests = (*TESTS, "test_sharing") if mixes else TESTS
    tests = (*tests, "test_compare") if int(answers["num_tasks"]) > 1 else tests
    if answers.get("heads") == "stacked" and int(answers["num_tasks"]) > 1:
        modules, tests = (*modules, "stacking"), (*tests, "test_stacking")
    if answers["tracking"] != "none":
        modules, tests = (*modules, "tracking"), (*tests, "test_tracking")
    if answers["streaming"] != "none":
        modules, tests = (*modules, "streaming"), (*tests, "test_streaming")
    if answers.get("distribution", "none") != "none":
        modules, tests = (*modules, "distributed"), (*tests, "test_distributed")
        modules = (*modules, "launch") if answers["backend"] == "jax" else modules
    if answers["tuning"] != "none":
        modules, tests = (*modules, "tune"), (*tests, "test_tune")
    workflows = ["ci"] if answers["ci"] != "none" else []
    workflows += ["update"] if answers["template_updates"] != "none" else []
    return {
        ".copier-answers.yml", ".gitignore", "README.md", "pyproject.toml",
        *(f".github/workflows/{name}.yml" for name in workflows),
        *(f"src/{answers['package']}/{name}.py" for name in modules),
        *(f"tests/{name}.py" for name in tests),
    }  # fmt: skip


def check_all(
    combinations: Sequence[Combination], projects: Mapping[str, Path]
) -> dict[str, list[str]]:
    """Findings about each project (name to directory); all are below one directory."""
    if not combinations:
        return {}
    root = Path(os.path.commonpath([projects[c.name].parent for c in combinations]))
    alike = same_code(combinations, projects)
    firsts = [(group[0], projects[group[0].name]) for group in alike]
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(1 + cores) as pool:  # they wait for processes
        linting = pool.submit(format_and_lint, root)
        few = every_file_once(firsts)
        typing = [pool.submit(type_check, few[i::cores]) for i in range(cores) if few[i:]]
        findings = {c.name: list(_findings(projects[c.name], c)) for c in combinations}
        dead = [dead_code(folder, str(c.answers["package"])) for c, folder in firsts]
        lint, types = linting.result(), [line for part in typing for line in part.result()]
    for group, (_, first), unused in zip(alike, firsts, dead, strict=True):
        own = unused + [line for line in types if f"{first}{os.sep}" in line]
        for combination in group:
            findings[combination.name] += own
    for combination in combinations:
        folder = f"{projects[combination.name]}{os.sep}"
        findings[combination.name] += [line for line in lint if folder in line]
    # What names no project may be about any.
    homeless = [line for line in lint + types if str(root) + os.sep not in line]
    return {name: found + homeless for name, found in findings.items()}


def same_code(
    combinations: Sequence[Combination], projects: Mapping[str, Path]
) -> list[list[Combination]]:
    """Combinations whose code is the same but for the package's name, and which backend it sets."""
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
    """Few projects that have, but for the package's name, every file of a package of all."""
    files = {}
    for combination, folder in projects:
        package = str(combination.answers["package"])
        paths = (folder / "src" / package).glob("*.py")
        files[combination] = {(path.name, common_text(path, package)) for path in paths}
    missing = set().union(*files.values())
    chosen = []
    while missing:
        best = max(files, key=lambda c: len(files[c] & missing))
        chosen.append(best)
        missing -= files[best]
    return [(combination, folder) for combination, folder in projects if combination in chosen]


def common_text(path: Path, package: str) -> str:
    """A file as it is in every project that shares it."""
    return read(path).replace(package, PACKAGE)


def read(path: Path) -> str:
    """A file's text; what is no UTF-8 shows as U+FFFD."""
    return path.read_text(encoding="utf-8", errors="replace")


def _findings(folder: Path, combination: Combination) -> Iterator[str]:
    package = str(combination.answers["package"])
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(files ^ expected_files(combination.answers)):
        yield f"{folder}/{name}: {'not expected' if name in files else 'missing'}"
    for name in sorted(files):
        text = read(folder / name)
        if "\N{REPLACEMENT CHARACTER}" in text:
            yield f"{folder}/{name}: is no UTF-8"
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(r"(?<!\$)\{\{|\{%|\{#|%\}", line):  # ${{ }} is GitHub's
                yield f"{folder}/{name}:{number}: Jinja is left over"
            if line != line.rstrip():
                yield f"{folder}/{name}:{number}: white space at the end of the line"
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield f"{folder}/{name}: does not end with one newline"
        if name.endswith(".py") and (error := syntax_error(text.replace(package, PACKAGE))):
            yield f"{folder}/{name}:{error}"
    recorded: dict[str, object] = {}
    for name, parse in (("pyproject.toml", tomllib.loads), (".copier-answers.yml", yaml.safe_load)):
        try:
            recorded = dict(parse(read(folder / name))) if name in files else {}
        except (ValueError, TypeError, yaml.YAMLError) as error:
            yield f"{folder}/{name}: {' '.join(str(error).split())}"
            return
    for key, value in combination.answers.items():
        if recorded.get(key) != value:
            yield f"{folder}/.copier-answers.yml: {key} is {recorded.get(key)!r}, not {value!r}"


@functools.cache
def syntax_error(code: str) -> str:
    """Line and reason, if it does not parse."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        return f"{error.lineno}: {error.msg}"
    return ""


def dead_code(folder: Path, package: str) -> list[str]:
    """What nothing uses: functions, classes, parameters, attributes, imports, unreachable lines."""
    project = vulture.Vulture()
    for path in folder.rglob("*.py"):
        place = str(path.relative_to(folder)).replace(package, PACKAGE)
        part = names_of(common_text(path, package), place)
        project.used_names.update(part.used_names)
        project.unreachable_code.extend(part.unreachable_code)
        for name, found in vars(part).items():
            if name.startswith("defined_"):
                getattr(project, name).extend(found)
    project.scavenge([])  # adds what well-known modules call by name
    findings = []
    for item in project.get_unused_code(min_confidence=60):
        if item.name not in CALLED_BY_OTHERS and not item.name.startswith("test_"):
            path = folder / str(item.filename).replace(PACKAGE, package)
            line = read(path).splitlines()[item.first_lineno - 1]
            if "pytest.fixture" not in line:
                findings.append(f"{path}:{item.first_lineno}: unused {item.typ} '{item.name}'")
    return sorted(findings)


@functools.cache
def names_of(code: str, path: str) -> vulture.Vulture:
    """What a file defines and uses; most files are those of many projects."""
    finder = vulture.Vulture()
    finder.scan(code, filename=path)
    return finder


def format_and_lint(root: Path) -> list[str]:
    """ruff over all projects below a directory, each under the configuration that it ships."""
    findings = []
    for arguments in (("format", "--check"), ("check", "--output-format=concise")):
        findings += _about(_tool("ruff", *arguments, "--no-cache", str(root)), root)
    return findings


def type_check(projects: Sequence[tuple[Combination, Path]]) -> list[str]:
    """mypy over the packages of some projects in one process."""
    packages = [str(combination.answers["package"]) for combination, _ in projects]
    environment = {"MYPYPATH": os.pathsep.join(str(folder / "src") for _, folder in projects)}
    run = _tool(
        "mypy",
        f"--config-file={projects[0][1] / 'pyproject.toml'}",
        "--no-error-summary",
        "--no-incremental",
        f"--cache-dir={os.devnull}",  # two at once would lock one another out of it
        "--show-absolute-path",
        *(argument for package in packages for argument in ("-p", package)),
        environment=environment,
    )
    return _about(run, Path(os.path.commonpath([folder.parent for _, folder in projects])))


def _about(run: subprocess.CompletedProcess[str], root: Path) -> list[str]:
    """What a tool says about projects below a directory; or that it says nothing of them."""
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
