"""One combination becomes one directory, through Copier itself."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import copier
import jinja2
import yaml

from generator.questions import ROOT, Questionnaire


class RenderError(ValueError):
    """What was asked for cannot be rendered: what is wrong, and what would be right."""


@contextlib.contextmanager
def snapshot(template: Path = ROOT) -> Iterator[Path]:
    """A copy of the template outside any work tree, so that Copier takes the files as they are."""
    with tempfile.TemporaryDirectory(prefix="template-") as folder:
        copy = Path(folder, "template")
        copy.mkdir()
        shutil.copy(template / "copier.yml", copy)
        shutil.copytree(template / "template", copy / "template")
        yield copy


@contextlib.contextmanager
def compiled_once() -> Iterator[None]:
    """Let Jinja compile each template text once in this process, not once a rendering.

    Copier makes an environment for each rendering, and compiling is three quarters of the time. The
    code depends on the text and on the environment's options, which are the same for all of ours.
    """
    original = jinja2.Environment.compile
    codes: dict[Any, Any] = {}

    def compile_once(self: jinja2.Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        key = (source, args, tuple(kwargs.items()), type(self), self.trim_blocks)
        if key not in codes:
            codes[key] = original(self, source, *args, **kwargs)
        return codes[key]

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        jinja2.Environment.compile = original  # type: ignore[method-assign]


def render(template: Path, data: Mapping[str, Any], destination: Path) -> None:
    """Render into a directory that does not exist yet. Raises RenderError; leaves nothing then."""
    if destination.exists():
        raise RenderError(f"{destination} exists already: give another directory, or remove it")
    try:
        copier.run_copy(
            str(template),
            destination,
            data=dict(data),
            defaults=True,
            quiet=True,
            settings=copier.Settings(),
        )
    except (ValueError, copier.errors.CopierError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RenderError(reason.replace("Validation error for question ", "")) from None


def read_answers(path: Path) -> dict[str, Any]:
    """An answers file. Raises RenderError."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RenderError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(data, dict):
        raise RenderError(
            f"{path} is no answers file: give one line per answer, as in backend: jax"
        )
    known = {question.name for question in Questionnaire().questions}
    for key in data:
        if key not in known:
            raise RenderError(
                f"{path}: unknown answer '{key}', the questions are {', '.join(known)}"
            )
    return data
