"""Render projects with Copier."""

import argparse
import contextlib
import multiprocessing
import os
import re
import shutil
import signal
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

from generator.choices.questions import ROOT, Questionnaire, file_and_line, read_settings
from generator.commands import add_answers
from generator.errors import RenderError
from generator.projects.scratch import scratch


def render_command(parser: argparse.ArgumentParser) -> None:
    """Define `render`."""
    parser.add_argument("destination", type=Path, help="directory that does not exist yet")
    add_answers(parser)
    parser.set_defaults(run=render_one)


def render_one(arguments: argparse.Namespace) -> int:
    """Render one project."""
    data = given(arguments)
    read_settings(ROOT)  # about a file that is not YAML, Copier prints more than one line
    with snapshot() as template:
        render(template, data, arguments.destination)
    print(f"Rendered {arguments.destination}. Next: its README.md.")
    return 0


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the answers on the command line.

    Raises:
        RenderError: they cannot be read.
    """
    data: dict[str, Any] = {}
    if arguments.data_file:
        data |= read_answers(arguments.data_file)
    lists = {question.name for question in Questionnaire().questions if question.multiselect}
    for answer in arguments.data:
        key, equals, value = answer.partition("=")
        if not equals:
            raise RenderError(f"--data {answer}: give KEY=VALUE, as in --data backend=jax")
        # Copier takes only a list in brackets.
        brackets = key in lists and not value.lstrip().startswith("[")
        data[key] = f"[{value}]" if brackets else value
    return data


@contextlib.contextmanager
def snapshot(template: Path = ROOT) -> Iterator[Path]:
    """Copy the template out of any work tree, so that Copier takes the files as they are."""
    with scratch("template-") as folder:
        copy = folder / "template"
        copy.mkdir()
        shutil.copy(template / "copier.yml", copy)
        shutil.copytree(template / "template", copy / "template")
        yield copy


@contextlib.contextmanager
def compiled_once(wherever: bool = False) -> Iterator[None]:
    """Let Jinja compile each template text once per process, not once per project.

    Copier makes an environment for each project, and compiling takes three quarters of its time.
    The code depends on the text and on the options of the environment, which are always the same.

    Args:
        wherever: share code also between places with the same text, such as Copier's clones. An
            error then names the first of these places.
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
    """Render many sets of answers on all cores, each to a directory of its name below a folder.

    Args:
        template: the template.
        data: answers by name.
        folder: where the directories will be.

    Returns:
        The reasons of those that do not render.

    Raises:
        RenderError: a process was killed.
    """
    _start_tracker()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=context, initializer=_start_worker) as pool:
        # The workers inherit this: the parent alone handles signals, once all have started.
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
    """Start the process that tracks a pool's semaphores, protected from a closed terminal.

    It ignores Ctrl-C by itself.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # inherited
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


_FOR_LIFE = contextlib.ExitStack()


def _start_worker() -> None:
    """Keep what Copier would do again for each project, which is over half of its work."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _FOR_LIFE.enter_context(compiled_once())
    if yaml.__with_libyaml__:  # reads copier.yml in C
        yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[assignment,misc]
    local.env["PATH"] = ""  # without git, Copier does not ask it about each file


def _end_with_parent() -> None:
    """End this process when its parent ends, also when the parent is killed."""
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

    After an error, nothing is left of it.

    Raises:
        RenderError: an answer is refused, or the template is broken.
        TemplateError: copier.yml is not valid YAML.
    """
    if destination.exists():
        raise RenderError(f"{destination} already exists: give another directory, or remove it")
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
        raise RenderError("copier.yml of the template is not valid YAML") from None
    except COPIER_ERRORS as error:
        raise RenderError(one_line(error, template)) from None
    except KeyboardInterrupt:  # Copier cleans up after other errors
        shutil.rmtree(destination, ignore_errors=True)
        raise


def one_line(error: BaseException, template: Path) -> str:
    """Return Copier's error as a line that names the question, or the template's file and line."""
    if isinstance(error, EXPRESSION_ERRORS):
        return f"{_place(error, template)}: {error}"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    no_number = reason.startswith(("could not convert", "invalid literal"))
    nameless = no_number or reason.endswith("is undefined")
    if nameless or file_and_line(error, template):
        reason = f"{_place(error, template)}: {reason}"
    reason = reason.replace("Validation error for question ", "")
    # The validator of the first question detects unknown answers.
    return reason.replace("'project_name': unknown", "unknown")


def _place(error: BaseException, template: Path) -> str:
    """Return the question, or the file and line, of the template that an error comes from."""
    place = file_and_line(error, template)
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if not place and (name := getattr(frame.f_locals.get("self"), "var_name", None)):
            place = f"question '{name}' of copier.yml"
    return place or "the template"


def read_answers(path: Path) -> dict[str, Any]:
    """Read an answers file.

    Raises:
        RenderError: it cannot be read, or contains an unknown answer.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise RenderError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(data, dict):
        raise RenderError(
            f"{path} is not an answers file: give one line per answer, as in backend: jax"
        )
    known = {question.name: question for question in Questionnaire().questions}
    for key in data:
        if key not in known:
            raise RenderError(
                f"{path}: unknown answer '{key}': the questions are {', '.join(known)}"
            )
        if isinstance(data[key], dict) or (
            isinstance(data[key], list) and not known[key].multiselect
        ):
            raise RenderError(f"{path}: {key} is not a text: write it in quotes, on one line")
    return data
