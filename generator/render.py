"""One combination becomes one directory, through Copier itself."""

import contextlib
import multiprocessing
import os
import re
import shutil
import signal
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import copier
import jinja2
import yaml
from plumbum import local

from generator.questions import ROOT, Questionnaire, file_and_line, read_settings


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
def compiled_once(wherever: bool = False) -> Iterator[None]:
    """Let Jinja compile each template text once in this process, not once a rendering.

    Copier makes an environment for each rendering, and compiling is three quarters of the time. The
    code depends on the text and on the environment's options, which are the same for all of ours.

    wherever: also where the same text is in another place, as Copier's clones are; an error then
    names the first of these places.
    """
    original = jinja2.Environment.compile
    codes: dict[Any, Any] = {}

    def compile_once(self: jinja2.Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        place = args[:1] if wherever else (args, tuple(kwargs.items()))  # with the file's path
        key = (source, place, type(self), self.trim_blocks)
        if key not in codes:
            codes[key] = original(self, source, *args, **kwargs)
        return codes[key]

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        jinja2.Environment.compile = original  # type: ignore[method-assign]


def render_all(
    template: Path, data: Mapping[str, Mapping[str, Any]], folder: Path
) -> dict[str, str]:
    """Render many sets of answers (by name), on all cores, each to a directory of its name below a
    folder. Returns why for each that does not render. Raises RenderError if a process was killed.
    """
    _start_tracker()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=context, initializer=_start_worker) as pool:
        # The workers inherit this: signals are for the parent, which gets them once all started.
        signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            waiting = {
                name: pool.submit(render, template, answers, folder / name)
                for name, answers in data.items()
            }
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        reasons = {}
        try:
            for name, one in waiting.items():
                try:
                    one.result()
                except RenderError as error:
                    reasons[name] = str(error)
        except BrokenProcessPool:
            raise RenderError(
                "a process that rendered was killed: is there enough memory?"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
    return reasons


def _start_tracker() -> None:
    """Who tracks the semaphores of a pool ignores Ctrl-C by itself, but not a closed terminal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # inherited
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


_FOR_LIFE = contextlib.ExitStack()


def _start_worker() -> None:
    """Save what Copier does anew in each rendering: together, more than half of it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _FOR_LIFE.enter_context(compiled_once())
    if yaml.__with_libyaml__:  # copier.yml is read in C
        yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[assignment,misc]
    local.env["PATH"] = ""  # where there is no git, it is not asked about each file


def _end_with_parent() -> None:
    """Do not outlive a parent that is killed, which cannot say so."""
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


# What an expression in a template may raise.
EXPRESSION_ERRORS = (
    jinja2.TemplateError, TypeError, ArithmeticError, LookupError, RecursionError, re.error,
    UnicodeError,
)  # fmt: skip
COPIER_ERRORS = (*EXPRESSION_ERRORS, ValueError, copier.errors.CopierError)


def render(template: Path, data: Mapping[str, Any], destination: Path) -> None:
    """Render into a directory that does not exist yet.

    Raises RenderError, or TemplateError for a copier.yml that is no YAML; leaves nothing then.
    """
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
    except copier.errors.InvalidConfigFileError:
        read_settings(template)  # which says where
        raise RenderError("copier.yml of the template is no valid YAML") from None
    except COPIER_ERRORS as error:
        raise RenderError(one_line(error, template)) from None
    except KeyboardInterrupt:  # Copier itself removes what other errors have left
        shutil.rmtree(destination, ignore_errors=True)
        raise


def one_line(error: BaseException, template: Path) -> str:
    """What Copier says, as a line that names the question, or the template's file and line."""
    if isinstance(error, EXPRESSION_ERRORS):
        return f"{_place(error, template)}: {error}"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    no_number = reason.startswith(("could not convert", "invalid literal"))
    nameless = no_number or reason.endswith("is undefined")
    if nameless or file_and_line(error, template):
        reason = f"{_place(error, template)}: {reason}"
    reason = reason.replace("Validation error for question ", "")
    # The first question is where unknown answers are seen.
    return reason.replace("'project_name': unknown", "unknown")


def _place(error: BaseException, template: Path) -> str:
    """Which question, or which file and line, of the template an error comes from."""
    place = file_and_line(error, template)
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if not place and (name := getattr(frame.f_locals.get("self"), "var_name", None)):
            place = f"question '{name}' of copier.yml"
    return place or "the template"


def read_answers(path: Path) -> dict[str, Any]:
    """An answers file. Raises RenderError."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
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
        if isinstance(data[key], (list, dict)):
            raise RenderError(f"{path}: {key} is no text: write it in quotes, on one line")
    return data
