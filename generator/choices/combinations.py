"""List every valid combination of answers, with a name that selects it everywhere.

The questions that are asked contribute all their choices in all valid combinations. Everything else
contributes boundaries, each of which meets every choice that it can meet: the options of a
multiselect question, the choices of a question that is not asked, and the values named here for
questions that take any text. Such a question has a usual value in all other combinations.
"""

import functools
import hashlib
import itertools
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from generator.choices.questions import Answers, Question, Questionnaire
from generator.errors import AnswerError, TemplateError
from generator.projects.costs import cost, costs

TWO = "price:regression, sold:binary"
ALIKE = "price:regression, weight:regression"
THREE = "price:regression, sold:binary, colour:multiclass(3)"
ALL_KINDS = "price:regression, sold:binary, colour:multiclass(3), tags:multilabel(4)"
TWELVE = ", ".join(
    f"t{i}:{kind}"
    for i, kind in enumerate(["regression", "binary", "multiclass(3)", "multilabel(2)"] * 3)
)

# Small enough for a suite. The first one that is valid is used.
USUAL: tuple[Answers, ...] = (
    {"trunk_units": "16, 8", "head_units": "8", "expert_units": "8", "tasks": TWO},
    {"trunk_units": "16, 8", "head_units": "8", "expert_units": "8", "tasks": ALIKE},
)
USUAL_BY_CHOICE: dict[tuple[str, str], Answers] = {
    ("input_kind", "sequence"): {"input_shape": "6, 2"},
    ("input_kind", "text"): {"input_shape": "8"},
    ("input_kind", "image"): {"input_shape": "16, 16, 3"},
    ("loss_weighting", "fixed"): {"loss_weights": "2, 0.5"},
}
SIZES: dict[str, Answers] = {
    "two-sequence-lengths": {"input_shape": "6, 2; 4, 2"},
    "two-image-sizes": {"input_shape": "16, 16, 3; 24, 20, 3"},
    "grey": {"input_shape": "12, 18, 1"},
    "one-feature": {"input_shape": "1"},
    "kernel-5": {"kernel_size": 5},
    "deep-experts": {"expert_units": "8, 4, 4"},
    "one-level": {"num_levels": 1},
    "few-experts": {"num_experts": 2},
    "many-experts": {"num_experts": 5, "num_private_experts": 1},
}
# One backend is enough for a boundary, except for these.
ON_BOTH: set[str] = set()
BOUNDARIES: dict[str, Answers] = SIZES | {
    "one-task": {"tasks": "price:regression"},
    "one-class-task": {"tasks": "colour:multiclass(4)"},
    "two-alike": {"tasks": "a:binary, b:binary", "loss_weights": "3, 0.25"},
    "labels-alike": {"tasks": "tags:multilabel(3), marks:multilabel(3)", "loss_weights": "1, 1"},
    "three-tasks": {"tasks": THREE, "loss_weights": "1, 2, 0.5"},
    "all-kinds": {"tasks": ALL_KINDS, "loss_weights": "1, 2, 3, 4"},
    "twelve-tasks": {"tasks": TWELVE, "loss_weights": ", ".join(["1"] * 12)},
    "no-trunk": {"trunk_units": ""},
    "no-hidden-heads": {"head_units": ""},
    "deep": {"trunk_units": "16, 12, 8, 8", "head_units": "8, 8, 8"},
    "unequal-heads": {"tasks": THREE, "head_units": "8; 8, 4; ", "loss_weights": "1, 2, 0.5"},
    "smoothed": {"label_smoothing": 0.1},
    "losses-of-classes": {
        "tasks": "a:multiclass(3), b:multiclass(3)",
        "class_weights": "balanced",
        "label_smoothing": 0.2,
        "loss_weights": "1, 1",
    },
    "losses-of-all-kinds": {
        "tasks": ALL_KINDS,
        "class_weights": "balanced",
        "label_smoothing": 0.1,
        "regression_loss": "huber",
        "loss_weights": "1, 2, 3, 4",
    },
}


@dataclass(frozen=True, eq=False)
class Combination:
    """A valid set of answers.

    Attributes:
        data: what Copier is given.
        answers: all answers that apply.
    """

    name: str
    data: Answers
    answers: Answers

    @property
    def backend(self) -> str:
        """The backend that its suite runs on."""
        return str(self.answers["backend"])


# Choices by question: those of a combination, or those made until an answer was refused.
Chosen = frozenset[tuple[str, str]]


class Combinations:
    """The enumeration of one template."""

    def __init__(self, questionnaire: Questionnaire | None = None) -> None:
        self.questionnaire = questionnaire or Questionnaire()
        choices = [q for q in self.questionnaire.questions if q.choices]
        self.asked = [q for q in choices if q.ask and not q.multiselect]
        self._deciding = self._deciding_choices()

    def _deciding_choices(self) -> dict[str, frozenset[str]]:
        """Return, for each question, the asked ones that decide whether an answer is refused."""
        reads = {q.name: set(q.reads) for q in self.questionnaire.questions}
        for (name, _), answers in USUAL_BY_CHOICE.items():
            for usual in answers.keys() & reads.keys():
                reads[usual].add(name)
        asked = {q.name for q in self.asked}

        def all_read(name: str, known: set[str]) -> set[str]:
            for other in reads.get(name, set()) - known:
                known.add(other)
                all_read(other, known)
            return known

        return {name: frozenset(all_read(name, {name}) & asked) for name in reads}

    @functools.cache  # noqa: B019  one enumeration per template, for the life of the process
    def all(self) -> tuple[Combination, ...]:
        """Return the default project, every valid set of choices, and every boundary with each."""
        default = {"project_name": "Default", "package": "default_project"}
        first = Combination("default", default, self.questionnaire.resolve(default))
        return (first, *self.choices(), *self._boundaries())

    def select(self, *patterns: str) -> tuple[Combination, ...]:
        """Return those whose name matches one of the glob patterns; all without a pattern.

        Raises:
            AnswerError: a pattern matches nothing.
        """
        for pattern in patterns:
            if not any(fnmatchcase(c.name, pattern) for c in self.all()):
                raise AnswerError(
                    f"no combination is called '{pattern}': `python -m generator combinations` "
                    "lists the names"
                )
        return tuple(
            c for c in self.all() if not patterns or any(fnmatchcase(c.name, p) for p in patterns)
        )

    @functools.cache  # noqa: B019
    def covering(self, strength: int) -> tuple[Combination, ...]:
        """Return the default and a few more in which all choices meet that can meet.

        Of those that cover equally much, the one with the cheapest suite is taken.

        Args:
            strength: how many choices meet: 2 or 3.
        """
        known = costs()
        bases = sorted(self.choices(), key=lambda c: cost(c, known))
        meetings = {c: {*itertools.combinations(sorted(self.chosen(c)), strength)} for c in bases}
        chosen = set()
        missing: set[tuple[Any, ...]] = set().union(*meetings.values())
        while missing:
            best = max(bases, key=lambda c: len(meetings[c] & missing))
            chosen.add(best)
            missing -= meetings[best]
        return tuple(c for c in self.all() if c.name == "default" or c in chosen)

    def thorough(self, strength: int) -> tuple[Combination, ...]:
        """Return the covering ones, and every boundary once; those of `ON_BOTH` on each backend."""
        chosen, known = set(self.covering(strength)), costs()
        met: set[tuple[str, str]] = set()
        for c in sorted(self.all(), key=lambda c: cost(c, known)):
            boundary = c.name.partition("+")[2]
            where = (boundary, c.backend if boundary in ON_BOTH else "")
            if boundary and where not in met:
                chosen.add(c)
                met.add(where)
        return tuple(c for c in self.all() if c in chosen)

    def chosen(self, combination: Combination) -> Chosen:
        """Return its choices."""
        answers = combination.answers
        return frozenset((q.name, answers[q.name]) for q in self.asked if q.name in answers)

    @functools.cache  # noqa: B019
    def choices(self) -> tuple[Combination, ...]:
        """Return every choice of every question that is asked, wherever it is valid.

        Raises:
            TemplateError: a choice is valid nowhere.
        """
        refusals: dict[Chosen, AnswerError] = {}
        found = tuple(self.walk({q.name: q.choices for q in self.asked}, refusals))
        valid = frozenset().union(*(self.chosen(c) for c in found))
        for question, choice in ((q, choice) for q in self.asked for choice in q.choices):
            if (question.name, choice) not in valid:
                reasons = (
                    error
                    for chosen, error in refusals.items()
                    if dict(chosen).get(question.name, choice) == choice
                )
                reason = next(reasons, "it is never asked")
                raise TemplateError(
                    f"{choice} is not a valid answer to {question.name} anywhere: {reason}"
                )
        return found

    def _boundaries(self) -> Iterator[Combination]:
        """Yield a few combinations per boundary, so that it meets each choice that it can meet."""
        choices = [self.chosen(c) for c in self.choices()]
        for boundary, answers in self.boundaries.items():
            # A greedy set cover: take the combination that covers most of what is still missing.
            candidates, missing = dict.fromkeys(choices), frozenset().union(*choices)
            names: set[str] = set()
            while gains := {c: len(c & missing) for c in candidates if not c.isdisjoint(missing)}:
                best = max(gains, key=gains.__getitem__)
                del candidates[best]
                refusals: dict[Chosen, AnswerError] = {}
                combinations = self.walk(
                    {name: (choice,) for name, choice in best}, refusals, boundary, answers
                )
                for combination in combinations:
                    # A boundary may leave choices unasked: then several have the same name.
                    if combination.name not in names:
                        names.add(combination.name)
                        yield combination
                    missing -= best
                for refused in refusals:
                    for candidate in [c for c in candidates if refused <= c]:
                        del candidates[candidate]

    @functools.cached_property
    def boundaries(self) -> dict[str, Answers]:
        """The answers of each boundary, by name."""
        found: dict[str, Answers] = dict(BOUNDARIES)
        optional = [q for q in self.questionnaire.questions if q.choices and q not in self.asked]
        for question in optional:
            default = question.default.render({})
            for choice in question.choices:
                value = [choice] if question.multiselect else choice
                if value != default:
                    found[choice] = {question.name: value}
            if question.multiselect:
                found[f"no-{question.name}"] = {question.name: []}
                sets = self._together(question)
                for letter, together in zip(string.ascii_lowercase, sets, strict=False):
                    found[f"all-{question.name}-{letter}"] = {question.name: together}
        return found

    def _together(self, question: Question) -> list[list[str]]:
        """Return large sets of choices that go together, so that each choice is in one."""
        sets: list[list[str]] = []
        left = list(question.choices)
        while left:
            together: list[str] = []
            for choice in dict.fromkeys((*left, *question.choices)):
                try:
                    self.questionnaire.resolve({question.name: [*together, choice]})
                    together.append(choice)
                except AnswerError:
                    continue
            if not together:
                break
            sets.append(together)
            left = [choice for choice in left if choice not in together]
        return sets

    def walk(
        self,
        choices: dict[str, tuple[str, ...]],
        refusals: dict[Chosen, AnswerError],
        boundary: str = "",
        answers: Mapping[str, Any] | None = None,
        usual: int = 0,
        deciding: frozenset[str] = frozenset(),
    ) -> Iterator[Combination]:
        """Yield every valid combination of choices with usual values and a boundary.

        A question sees only the answers before it. So once an answer is refused, no choice of a
        later question is tried together with the choices that decided this.

        Args:
            choices: what to choose from, by question that is asked.
            refusals: receives the choices that decided each refusal; what has them is not tried.
            boundary: its name.
            answers: the answers of the boundary, which replace usual ones.
            usual: the first of `USUAL` to try.
            deciding: questions that decided why the ones before it were refused.
        """
        answers = answers or {}
        given: Answers = {**USUAL[usual], **answers}
        waiting: list[_Path] = [
            _Path(0, given, self.questionnaire.context(given, tuple(choices)), {}, {})
        ]
        while waiting:
            path = waiting.pop()
            if any(refused <= path.chosen.items() for refused in refusals):
                continue
            try:
                branches = list(self._follow(path, choices, answers))
            except AnswerError as error:
                refused_at = self.questionnaire.questions[path.number].name
                decided = deciding | self._deciding[refused_at]
                if usual + 1 < len(USUAL):
                    forced = {name: (choice,) for name, choice in path.chosen.items()}
                    yield from self.walk(
                        choices | forced, refusals, boundary, answers, usual + 1, decided
                    )
                else:
                    reason = {(n, choice) for n, choice in path.chosen.items() if n in decided}
                    refusals[frozenset(reason)] = error
                continue
            if branches:
                waiting += reversed(branches)
            else:
                yield self._combination(path, boundary)

    def _follow(
        self, path: "_Path", choices: dict[str, tuple[str, ...]], answers: Mapping[str, Any]
    ) -> Iterator["_Path"]:
        """Answer questions up to the next choice, and yield a path for each of its values."""
        for number in range(path.number, len(self.questionnaire.questions)):
            path.number = number
            question = self.questionnaire.questions[number]
            name = question.name
            applies = self.questionnaire.applies(question, path.context)
            if not applies:
                if name in answers and name != "loss_weights":
                    raise AnswerError(f"{name} is not asked here")
                path.context.pop(name, None)
            elif name in choices and name not in path.chosen:
                for choice in choices[name]:
                    more = {name: choice}
                    given = USUAL_BY_CHOICE.get((name, choice), {}) | more
                    given = {n: value for n, value in given.items() if n not in answers}
                    yield _Path(
                        number, path.given | given, path.context | given, dict(path.found),
                        path.chosen | more,
                    )  # fmt: skip
                return
            self.questionnaire.answer(question, path.context, validate=applies)
            if applies:
                path.found[name] = path.context[name]

    def _combination(self, path: "_Path", boundary: str) -> Combination:
        """Name what a path has found."""
        found = path.found
        name = "-".join(found[q.name] for q in self.asked if q.name in found)
        name += f"+{boundary}" if boundary else ""
        package = "p_" + hashlib.sha256(name.encode()).hexdigest()[:10]
        names = {"project_name": name, "package": package}
        # Only what applies is given: an answer to a question that is not asked is not a choice.
        data = {name: found[name] for name in path.given if name in found}
        return Combination(name, names | data, found | names)


@dataclass
class _Path:
    """A way through the questions.

    Attributes:
        number: the question that it has come to.
        given: answers that are given.
        context: what a question sees.
        found: answers that apply.
        chosen: choices that were made on the way.
    """

    number: int
    given: Answers
    context: Answers
    found: Answers
    chosen: dict[str, str]


@functools.cache
def enumeration() -> Combinations:
    """Return the combinations of this template, enumerated once per process."""
    return Combinations()
