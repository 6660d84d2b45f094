"""Every valid combination of answers, with a name that selects it everywhere.

Choices come from copier.yml, all of them in all valid combinations. A question that takes any text
contributes the values named here: usual ones, which every combination has, and boundaries, each of
which meets every choice that it can meet.
"""

import contextlib
import functools
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from generator.costs import cost, costs
from generator.questions import AnswerError, Answers, Questionnaire, TemplateError

TWO = "price:regression, sold:binary"
ALIKE = "price:regression, weight:regression"
THREE = "price:regression, sold:binary, colour:multiclass(3)"
ALL_KINDS = "price:regression, sold:binary, colour:multiclass(3), tags:multilabel(4)"
TWELVE = ", ".join(
    f"t{i}:{kind}"
    for i, kind in enumerate(["regression", "binary", "multiclass(3)", "multilabel(2)"] * 3)
)

# Small enough for a suite; the first one that is valid is taken.
USUAL: tuple[Answers, ...] = (
    {"trunk_units": "16, 8", "head_units": "8", "expert_units": "8", "tasks": TWO},
    {"trunk_units": "16, 8", "head_units": "8", "expert_units": "8", "tasks": ALIKE},
)
USUAL_BY_CHOICE: dict[tuple[str, str], Answers] = {
    ("input_kind", "sequence"): {"input_shape": "6, 2"},
    ("input_kind", "text"): {"input_shape": "16"},
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
# Sizes and optimizers are Keras's own business, workflows GitHub's: the same on each backend.
ONCE = {*SIZES, "adamw", "rmsprop", "sgd", "no-ci", "workflow"}
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
    """A valid set of answers. `data` renders it; `answers` are all that apply."""

    name: str
    data: Answers
    answers: Answers

    @property
    def backend(self) -> str:
        """What its suite runs on."""
        return str(self.answers["backend"])


class Combinations:
    """The enumeration of one template."""

    def __init__(self, questionnaire: Questionnaire | None = None) -> None:
        self.questionnaire = questionnaire or Questionnaire()
        # What is enumerated in full: options, which can be left out, and knobs that are not asked
        # come as boundaries.
        choices = [q for q in self.questionnaire.questions if q.choices]
        self.asked = [q for q in choices if q.ask and "none" not in q.choices]
        self.boundaries = BOUNDARIES | {
            f"no-{q.name}" if choice == "none" else choice: {q.name: choice}
            for q in choices
            if q not in self.asked
            for choice in q.choices
            if choice != q.default
        }

    @functools.cache  # noqa: B019  one enumeration a template, for the life of the process
    def all(self) -> tuple[Combination, ...]:
        """The default project, every choice with every other, and every boundary with each."""
        default = {"project_name": "Default", "package": "default_project"}
        first = Combination("default", default, self.questionnaire.resolve(default))
        return (first, *self._choices(), *self._boundaries())

    def select(self, *patterns: str) -> tuple[Combination, ...]:
        """Those whose name matches one of the glob patterns; all without a pattern.

        Raises AnswerError for a pattern that matches nothing.
        """
        for pattern in patterns:
            if not any(fnmatchcase(c.name, pattern) for c in self.all()):
                raise AnswerError(f"no combination is called '{pattern}': see the list without it")
        return tuple(
            c for c in self.all() if not patterns or any(fnmatchcase(c.name, p) for p in patterns)
        )

    @functools.cache  # noqa: B019
    def covering(self, strength: int) -> tuple[Combination, ...]:
        """The default, and few more in which all choices meet that can meet: every two, or every
        three, by `strength`. Of those that meet equally many, the one whose suite costs least.
        """
        known = costs()
        bases = sorted(self._choices(), key=lambda c: cost(c, known))
        meetings = {
            c: {*itertools.combinations(sorted(self._asked(c).items()), strength)} for c in bases
        }
        chosen = set()
        missing: set[tuple[Any, ...]] = set().union(*meetings.values())
        while missing:
            best = max(bases, key=lambda c: len(meetings[c] & missing))
            chosen.add(best)
            missing -= meetings[best]
        return tuple(c for c in self.all() if c.name == "default" or c in chosen)

    def thorough(self, strength: int) -> tuple[Combination, ...]:
        """The covering ones, and every boundary once; but for `ONCE`, on each backend."""
        covering, chosen = set(self.covering(strength)), []
        met: set[tuple[str, str]] = set()
        for c in self.all():
            boundary = c.name.partition("+")[2]
            where = (boundary, "" if boundary in ONCE else c.backend)
            if c in covering:
                chosen.append(c)
            elif boundary and where not in met:
                chosen.append(c)
                met.add(where)
        return tuple(chosen)

    @functools.cache  # noqa: B019
    def _choices(self) -> tuple[Combination, ...]:
        """Every choice of every question that is asked, wherever it is valid.

        Raises TemplateError for a choice that is valid nowhere.
        """
        found: dict[str, Combination] = {}
        refused: dict[tuple[str, Any], AnswerError] = {}
        for values in itertools.product(*(q.choices for q in self.asked)):
            chosen = dict(zip((q.name for q in self.asked), values, strict=True))
            try:
                combination = self._combine(chosen, "")
                found.setdefault(combination.name, combination)
            except AnswerError as error:
                refused |= dict.fromkeys(chosen.items(), error)
        valid = {item for c in found.values() for item in self._asked(c).items()}
        for (question, choice), reason in refused.items():
            if (question, choice) not in valid:
                raise TemplateError(f"{choice} is no valid answer to {question} anywhere: {reason}")
        return tuple(found.values())

    def _boundaries(self) -> Iterator[Combination]:
        """For every boundary, few combinations in which it meets each choice that it can meet."""
        choices = [frozenset(self._asked(c).items()) for c in self._choices()]
        for boundary, answers in self.boundaries.items():
            # A greedy set cover: take the combination that meets most of what is still missing.
            candidates, missing = dict.fromkeys(choices), frozenset().union(*choices)
            names: set[str] = set()
            progress = True
            while progress:
                progress = False
                meeting = {c: len(c & missing) for c in candidates if c & missing}
                for best in sorted(meeting, key=meeting.__getitem__, reverse=True):
                    del candidates[best]
                    with contextlib.suppress(AnswerError):
                        combination = self._combine(dict(best), boundary, answers)
                        # What a boundary leaves unasked is in no name: it may have come already.
                        if combination.name not in names:
                            names.add(combination.name)
                            yield combination
                        missing -= best
                        progress = True
                        break

    def _asked(self, combination: Combination) -> Answers:
        answers = combination.answers
        return {q.name: answers[q.name] for q in self.asked if q.name in answers}

    def _combine(self, chosen: Answers, boundary: str, extra: Answers | None = None) -> Combination:
        """Choices, usual values, a boundary. Raises AnswerError where they do not go together."""
        error = AnswerError("no usual values")
        for usual in USUAL:
            data: Answers = dict(usual)
            for (question, value), more in USUAL_BY_CHOICE.items():
                if chosen.get(question) == value:
                    data |= more
            data |= chosen | (extra or {})
            try:
                # Only what applies is given: an answer to a question not asked is no choice.
                answers = self.questionnaire.resolve(data)
                if not data.keys() <= answers.keys():
                    data = {name: value for name, value in data.items() if name in answers}
                    answers = self.questionnaire.resolve(data)
            except AnswerError as refusal:
                error = refusal
                continue
            if extra and not extra.keys() - {"loss_weights"} <= data.keys():
                raise AnswerError(f"{boundary} is not asked here")
            name = self._name(answers, boundary)
            package = "p_" + hashlib.sha256(name.encode()).hexdigest()[:10]
            names = {"project_name": name, "package": package}
            return Combination(name, names | data, answers | names)
        raise error

    def _name(self, answers: Answers, boundary: str) -> str:
        parts = [str(answers[q.name]) for q in self.asked if q.name in answers]
        return "-".join(parts) + (f"+{boundary}" if boundary else "")


@functools.cache
def enumeration() -> Combinations:
    """Those of this template, enumerated once a process."""
    return Combinations()
