"""copier.yml read as data: the only source of what can be chosen.

Answers are resolved as Copier resolves them (casts, `when`, defaults, validators), with its own
Jinja settings, but without rendering. The tests hold the result against Copier.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import yaml
from jinja2.sandbox import SandboxedEnvironment

ROOT = Path(__file__).resolve().parent.parent

Answers = dict[str, Any]

_MISSING = object()

CASTS: dict[str, type] = {"str": str, "int": int, "float": float}


class AnswerError(ValueError):
    """An answer that the template refuses: which question, and what would be right."""


class TemplateError(ValueError):
    """The template cannot be read: in which question, or which file and line, and why."""


@dataclass(frozen=True)
class Question:
    """One question of copier.yml; `choices` are its values, empty for a free-form one."""

    name: str
    type: str
    default: Any
    choices: tuple[str, ...]
    when: str | bool
    ask: bool
    validator: str


@dataclass(frozen=True)
class _CopierConf:
    """What the questions may know of a run of Copier: the names of the answers that are given."""

    data: tuple[str, ...]


class Questionnaire:
    """The questions of a template, in their order."""

    def __init__(self, template: Path = ROOT) -> None:
        settings = read_settings(template)
        options = dict(settings["_envops"], undefined=jinja2.StrictUndefined)
        self._jinja = SandboxedEnvironment(
            loader=jinja2.FileSystemLoader(template),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            **options,
        )
        self.template = template
        self._rendered: dict[tuple[Any, ...], str] = {}
        self.questions = tuple(
            Question(
                name=name,
                type=details.get("type", "str"),
                default=details.get("default"),
                choices=_choices(name, details),
                when=details.get("when", True),
                ask=details.get("ask", True),
                validator=details.get("validator", ""),
            )
            for name, details in settings.items()
            if not name.startswith("_")
        )

    def resolve(self, given: Mapping[str, Any]) -> Answers:
        """All answers that apply, from those given. Raises AnswerError."""
        context: Answers = {**given, "_copier_conf": _CopierConf(tuple(given))}
        answers: Answers = {}
        for question in self.questions:
            applies = self.applies(question, context)
            value = context.get(question.name, self._render(question, question.default, context))
            context[question.name] = self._checked(question, value, context, validate=applies)
            if applies:
                answers[question.name] = context[question.name]
        return answers

    def applies(self, question: Question, context: Mapping[str, Any]) -> bool:
        """Whether the question is asked (or stored) at all, given the answers before it."""
        return str(self._render(question, question.when, context)).lower() == "true"

    def _render(self, question: Question, value: Any, context: Mapping[str, Any]) -> Any:
        """What a question says in `when`, `default` or `validator`. Raises TemplateError."""
        if not isinstance(value, str) or "{" not in value:
            return value
        try:
            return self._rendered_once(value, context)
        except Exception as error:  # whatever the template's expressions may raise
            place = (
                file_and_line(error, self.template) or f"question '{question.name}' of copier.yml"
            )
            raise TemplateError(f"{place}: {error}") from None

    def _rendered_once(self, value: str, context: Mapping[str, Any]) -> str:
        template, names = self._template(value)
        # Enumerating asks the same thing of the same answers again and again.
        key = (value, *(context.get(name, _MISSING) for name in names))
        try:
            if key not in self._rendered:
                self._rendered[key] = template.render(context)
            return self._rendered[key]
        except TypeError:  # it reads something that is no answer
            return template.render(context)

    @cache  # noqa: B019  one questionnaire a template, for the life of the process
    def _template(self, source: str) -> tuple[jinja2.Template, tuple[str, ...]]:
        """A piece of copier.yml, and the names of the answers that it reads."""
        names = jinja2.meta.find_undeclared_variables(self._jinja.parse(source))
        return self._jinja.from_string(source), tuple(sorted(names))

    def _checked(
        self, question: Question, value: Any, context: Mapping[str, Any], validate: bool
    ) -> Any:
        try:
            value = CASTS[question.type](value)
        except ValueError:
            raise AnswerError(f"{question.name}: '{value}' is no {question.type}") from None
        if question.choices and value not in question.choices:
            raise AnswerError(
                f"{question.name}: '{value}' is none of {', '.join(question.choices)}"
            )
        if validate:
            asked = {**context, question.name: value}
            if error := self._render(question, question.validator, asked).strip():
                raise AnswerError(f"{question.name}: {error}")
        return value


def file_and_line(error: BaseException, template: Path) -> str:
    """Which file of a template an error comes from, and which line; empty for copier.yml."""
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(template):
            place = f"{path.relative_to(template)}, line {line}"
    if isinstance(error, jinja2.TemplateSyntaxError) and error.filename:
        path = Path(error.filename)
        if path.is_relative_to(template):
            place = f"{path.relative_to(template)}, line {error.lineno}"
    return place


def read_settings(template: Path) -> dict[str, Any]:
    """copier.yml. Raises TemplateError."""
    try:
        settings = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TemplateError(f"copier.yml, line {line}: {error.problem}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise TemplateError(f"copier.yml: {str(error).splitlines()[0]}") from None
    if not isinstance(settings, dict):
        raise TemplateError("copier.yml holds no questions")
    for name, question in settings.items():
        if not str(name).startswith("_") and not isinstance(question, dict):
            raise TemplateError(f"question '{name}' of copier.yml: give it a type, help and so on")
    return settings


def _choices(name: str, details: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of a question's choices. Raises TemplateError for what cannot be enumerated."""
    choices = details.get("choices", ())
    values = tuple(choices.values() if isinstance(choices, dict) else choices)
    if details.get("type") == "bool" or not all(isinstance(value, str) for value in values):
        raise TemplateError(
            f"question '{name}' of copier.yml: give it choices that are texts, or texts by label"
        )
    return values
