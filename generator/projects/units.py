"""Find what each test module of a project can see, so that projects alike there share a verdict.

A test module sees itself, the fixtures that it names, and the modules of the package that these
import, directly or by others. Of `config.py` it sees the constants that all of these name, unless
one of them takes the whole module.
"""

import ast
import functools
import hashlib
import json
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

# A test module that names one of these may look for files of the project: it sees all of them.
PLACES = {"__file__", "cwd", "getcwd", "rootpath"}
TEXTS = {".md", ".py", ".toml", ".yml", ".csv", ""}
FIXTURES, CONFIG = "conftest", "package.config"


def keys(project: Path) -> dict[str, str]:
    """Return a key of each test module; where two are equal, so is what the modules see."""
    sources = read_sources(project)
    pyproject = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    settings = json.dumps(pyproject["tool"]["pytest"])
    return {
        name: hashlib.sha256("\0".join([settings, *seen, *seen.values()]).encode()).hexdigest()
        for name in sources
        if name.startswith("test_")
        for seen in [see(project, sources, name)]
    }


def read_sources(project: Path) -> dict[str, str]:
    """Read the modules of a project by their names, as if its package were called `package`."""
    [folder] = [path for path in (project / "src").iterdir() if path.is_dir()]
    paths = {f"package.{path.stem}": path for path in sorted(folder.glob("*.py"))}
    paths |= {path.stem: path for path in sorted((project / "tests").glob("*.py"))}
    return {
        name.removesuffix(".__init__"): path.read_text("utf-8").replace(folder.name, "package")
        for name, path in paths.items()
    }


def see(project: Path, sources: dict[str, str], test: str) -> dict[str, str]:
    """Return the texts that a test module sees, by module; or all of them, by path."""
    if PLACES & named(sources[test]).words:
        paths = sorted(
            path for path in project.rglob("*") if path.is_file() and path.suffix in TEXTS
        )
        return {
            str(path.relative_to(project)): path.read_text("utf-8", errors="replace")
            for path in paths
        }
    fixtures = parts_named(sources[FIXTURES], named(sources[test]).words)
    texts = {**sources, FIXTURES: fixtures}
    seen = {name: texts[name] for name in sorted(reach(texts, test))}
    if CONFIG in seen:
        others = [named(text) for name, text in seen.items() if name != CONFIG]
        if not any(other.takes_config for other in others):
            words = frozenset[str]().union(*(other.words for other in others))
            seen[CONFIG] = parts_named(seen[CONFIG], words)
    return seen


def reach(sources: dict[str, str], test: str) -> set[str]:
    """Return the names of the modules that a test module imports, also by others."""
    reached: set[str] = set()
    waiting = [test, FIXTURES, "package"]
    while waiting:
        name = waiting.pop()
        if name in sources and name not in reached:
            reached.add(name)
            waiting += named(sources[name]).modules
    return reached


@dataclass(frozen=True)
class Named:
    """What a text names.

    Attributes:
        modules: what it imports, which may be a module or a part of one.
        words: names, attributes, parameters and strings.
        takes_config: whether it passes `config.py` on as a whole, as in `vars(config)`.
    """

    modules: frozenset[str]
    words: frozenset[str]
    takes_config: bool


@functools.cache
def named(text: str) -> Named:
    """Find what a text names."""
    modules: set[str] = set()
    words: set[str] = set()
    attributes = 0  # uses of `config` of which one constant is named
    uses = 0
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import():
                modules |= {alias.name for alias in node.names}
            case ast.ImportFrom():
                base = ".".join(filter(None, ["package" if node.level else "", node.module]))
                modules |= {base} | {f"{base}.{alias.name}" for alias in node.names}
                words |= {alias.name for alias in node.names}
            case ast.Name():
                words.add(node.id)
                uses += node.id == "config"
            case ast.arg():
                words.add(node.arg)
            case ast.Constant(value=str(value)):
                words.add(value)
            case ast.Attribute():
                words.add(node.attr)
                attributes += names_config(node.value)
            case ast.Call(args=[first, ast.Constant() | ast.Name(), *_]):
                # getattr(config, "NAME", default), monkeypatch.setattr(config, "NAME", value); or
                # with a variable, whose value is one of the strings
                reads = isinstance(node.func, ast.Name) and node.func.id == "getattr"
                sets = isinstance(node.func, ast.Attribute) and node.func.attr == "setattr"
                attributes += names_config(first) and (reads or sets)
            case _:
                pass
    return Named(frozenset(modules), frozenset(words), uses > attributes)


def names_config(node: ast.expr) -> bool:
    """Tell whether an expression is `config`."""
    return isinstance(node, ast.Name) and node.id == "config"


@functools.cache
def parts_of(text: str) -> dict[str, str]:
    """Return the source of each name that a module binds; statements that bind none under ''."""
    parts: dict[str, str] = {"": ""}
    for node in ast.parse(text).body:
        match node:
            case ast.Assign():
                names = [ast.unparse(target) for target in node.targets]
            case ast.AnnAssign():
                names = [ast.unparse(node.target)]
            case ast.ClassDef() | ast.FunctionDef() if "autouse" not in ast.unparse(node):
                names = [node.name]
            case _:
                names = [""]
        for name in names:
            parts[name] = parts.get(name, "") + ast.unparse(node) + "\n"
    return parts


def parts_named(text: str, words: Collection[str]) -> str:
    """Return the parts of a module that words name, those that these name, and so on."""
    return _parts_named(text, frozenset(words & parts_of(text).keys()))


@functools.cache
def _parts_named(text: str, words: Iterable[str]) -> str:
    parts = parts_of(text)
    chosen: set[str] = set()
    waiting = {"", *words}
    while waiting:
        name = waiting.pop()
        chosen.add(name)
        waiting |= (named(parts[name]).words & parts.keys()) - chosen
    return "".join(parts[name] for name in sorted(chosen))
