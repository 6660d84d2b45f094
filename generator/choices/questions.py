"""Read copier.yml as data: the only source of what can be chosen.

Answers are resolved as Copier resolves them (casts, `when`, defaults, validators), with the
template's own Jinja settings, but without rendering a project. Tests compare the result with
Copier's.
"""

import contextlib
import functools
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import yaml
from jinja2.sandbox import SandboxedEnvironment

from generator.errors import AnswerError, TemplateError

ROOT = Path(__file__).resolve().parents[2]

Answers = dict[str, Any]

_MISSING = object()

CASTS: dict[str, type] = {"str": str, "int": int, "float": float}
LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class Expression:
    """A value in copier.yml that may contain Jinja.

    It is rendered once for each set of answers that it reads.

    Args:
        source: the value.
        place: what an error calls it.
        template: the directory with copier.yml.
        jinja: the environment that renders it.
    """

    def __init__(self, source: Any, place: str, template: Path, jinja: jinja2.Environment) -> None:
        self._source, self._place, self._template, self._jinja = source, place, template, jinja
        self._compiled: jinja2.Template | None = None
        self._rendered: dict[tuple[Any, ...], str] = {}
        self._plain = not isinstance(source, str) or "{" not in source

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names that it reads; reading them may raise TemplateError."""
        if self._plain:
            return ()
        with self._located():
            return tuple(
                sorted(jinja2.meta.find_undeclared_variables(self._jinja.parse(self._source)))
            )

    def render(self, context: Mapping[str, Any]) -> Any:
        """Return the value under the answers so far.

        Raises:
            TemplateError: the expression fails.
        """
        if self._plain:
            return self._source
        key = tuple([_hashable(context.get(name, _MISSING)) for name in self.names])
        if key not in self._rendered:
            with self._located():
                self._compiled = self._compiled or self._jinja.from_string(self._source)
                self._rendered[key] = self._compiled.render(context)
        return self._rendered[key]

    @contextlib.contextmanager
    def _located(self) -> Iterator[None]:
        """Name the place of an error in a TemplateError."""
        try:
            yield
        except Exception as error:  # an expression of a template may raise anything
            place = file_and_line(error, self._template) or self._place
            raise TemplateError(f"{place}: {error}") from None


def _hashable(value: Any) -> Any:
    """Return the answer to a multiselect question, which is a list, as a tuple."""
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Question:
    """One question of copier.yml.

    Attributes:
        choices: its values; empty for a question that takes any text.
        multiselect: whether an answer is a list of choices.
        when: whether it is asked or stored at all.
        ask: whether the dialogue asks it.
        refusals: for choices with a validator of their own, why they are refused.
    """

    name: str
    type: str
    default: Expression
    choices: tuple[str, ...]
    multiselect: bool
    when: Expression
    ask: bool
    validator: Expression
    refusals: Mapping[str, Expression]

    @functools.cached_property
    def reads(self) -> frozenset[str]:
        """The names that decide whether it is asked, what its default is and what it refuses."""
        parts = (self.when, self.default, self.validator, *self.refusals.values())
        return frozenset(name for part in parts for name in part.names)


@dataclass(frozen=True)
class _CopierConf:
    """What a question may know of a run of Copier: the names of the given answers."""

    data: tuple[str, ...]


class Questionnaire:
    """The questions of a template, in their order.

    Args:
        template: the directory with copier.yml.

    Raises:
        TemplateError: copier.yml cannot be read.
    """

    def __init__(self, template: Path = ROOT) -> None:
        settings = read_settings(template)
        jinja = SandboxedEnvironment(
            loader=jinja2.FileSystemLoader(template),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            **dict(settings["_envops"], undefined=jinja2.StrictUndefined),
        )

        def question(name: str, details: Mapping[str, Any]) -> Question:
            def expression(source: Any) -> Expression:
                return Expression(source, f"question '{name}' of copier.yml", template, jinja)

            choices = _choices(name, details)
            return Question(
                name=name,
                type=details.get("type", "str"),
                default=expression(details.get("default")),
                choices=tuple(choices),
                multiselect=details.get("multiselect", False),
                when=expression(details.get("when", True)),
                ask=details.get("ask", True),
                validator=expression(details.get("validator", "")),
                refusals={value: expression(why) for value, why in choices.items() if why},
            )

        self.template = template
        self.questions = tuple(
            question(name, details)
            for name, details in settings.items()
            if not name.startswith("_")
        )

    def resolve(self, given: Mapping[str, Any]) -> Answers:
        """Return all answers that apply.

        Raises:
            AnswerError: an answer is refused.
        """
        context = self.context(given)
        answers: Answers = {}
        for question in self.questions:
            applies = self.applies(question, context)
            self.answer(question, context, validate=applies)
            if applies:
                answers[question.name] = context[question.name]
        return answers

    def context(self, given: Mapping[str, Any], more: tuple[str, ...] = ()) -> Answers:
        """Return what the first question sees.

        Args:
            given: answers.
            more: names of questions that will be answered later.
        """
        return {**given, "_copier_conf": _CopierConf((*given, *more))}

    def applies(self, question: Question, context: Mapping[str, Any]) -> bool:
        """Return whether a question is asked or stored, given the answers before it."""
        when = question.when.render(context)
        return when is True or str(when).lower() == "true"

    def answer(self, question: Question, context: Answers, validate: bool) -> None:
        """Add the given answer, or the default, to the context.

        Raises:
            AnswerError: the answer is refused.
        """
        name = question.name
        value = context[name] if name in context else question.default.render(context)
        values = _as_list(name, value) if question.multiselect else [value]
        values = [self._one(question, value, context) for value in values]
        if question.multiselect:
            context[name] = [choice for choice in question.choices if choice in values]
        else:
            [context[name]] = values
        if validate and (error := question.validator.render(context).strip()):
            raise AnswerError(f"{name}: {error}")

    def _one(self, question: Question, value: Any, context: Mapping[str, Any]) -> Any:
        """Cast one value, and check that it is one of the choices."""
        name = question.name
        try:
            value = CASTS[question.type](value)
        except ValueError:
            raise AnswerError(f"{name}: '{value}' is not of type {question.type}") from None
        if question.choices and value not in question.choices:
            raise AnswerError(f"{name}: '{value}' is not one of {', '.join(question.choices)}")
        if value in question.refusals and (error := question.refusals[value].render(context)):
            raise AnswerError(f"{name}: {error.strip()}")
        return value


def _as_list(name: str, value: Any) -> list[Any]:
    """Return the answer to a multiselect question, which may be a list in YAML."""
    try:
        values = yaml.load(value, LOADER) if isinstance(value, str) else value
    except yaml.YAMLError:
        values = None
    if not isinstance(values, list):
        raise AnswerError(f"{name}: '{value}' is not a list: write [{value}]")
    return values


def file_and_line(error: BaseException, template: Path) -> str:
    """Return the file and line of a template that an error comes from; empty for copier.yml."""
    place, files = "", template / "template"
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(files):
            place = f"{path.relative_to(template)}, line {line}"
    if isinstance(error, jinja2.TemplateSyntaxError) and error.filename:
        path = Path(error.filename)
        if path.is_relative_to(files):
            place = f"{path.relative_to(template)}, line {error.lineno}"
    return place


def read_settings(template: Path) -> dict[str, Any]:
    """Read copier.yml.

    Raises:
        TemplateError: it is not valid, or a question in it is not.
    """
    try:
        settings = yaml.load((template / "copier.yml").read_text(encoding="utf-8"), LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TemplateError(f"copier.yml, line {line}: {error.problem}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise TemplateError(f"copier.yml: {str(error).splitlines()[0]}") from None
    if not isinstance(settings, dict):
        raise TemplateError("copier.yml contains no questions")
    for name, question in settings.items():
        if not str(name).startswith("_") and not isinstance(question, dict):
            raise TemplateError(
                f"question '{name}' of copier.yml is not a mapping: give it a type, help and so on"
            )
    return settings


def _choices(name: str, details: Mapping[str, Any]) -> dict[str, str]:
    """Return the choices of a question, each with its own validator.

    Raises:
        TemplateError: the choices cannot be enumerated.
    """
    choices = details.get("choices", ())
    found = {}
    for choice in choices.values() if isinstance(choices, dict) else choices:
        value, validator = choice, ""
        if isinstance(choice, dict):
            value, validator = choice.get("value"), choice.get("validator", "")
        if not (isinstance(value, str) and isinstance(validator, str)):
            break
        found[value] = validator
    if details.get("type") == "bool" or len(found) < len(choices):
        raise TemplateError(
            f"question '{name}' of copier.yml: give it choices that are texts, or texts by label"
        )
    return found
