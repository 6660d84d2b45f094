"""Draw answers at random: any number of tasks, any names, sizes and options that are accepted."""

import random
import string
from collections.abc import Callable, Iterator
from typing import Any

from generator.choices.combinations import Combination, enumeration
from generator.choices.questions import Answers, Question
from generator.errors import AnswerError

# Not drawn: the dialogue or the name of the draw gives these.
GIVEN = {"earlier", "known_kinds", "how_many_tasks", "num_tasks", "project_name", "package"}


def name(rng: random.Random) -> str:
    """Draw the name of a task."""
    letters = rng.choices(string.ascii_letters + string.digits, k=rng.randint(0, 19))
    middle = "_" if rng.random() < 0.3 and letters else ""
    return rng.choice(string.ascii_letters) + middle + "".join(letters)


def kind(rng: random.Random) -> str:
    """Draw the kind of a task."""
    kinds = ("regression", "binary", "multiclass({})", "multilabel({})")
    return rng.choice(kinds).format(rng.randint(2, 9))


def tasks(rng: random.Random, context: Answers) -> str:
    """Draw 1 to 20 tasks; half of the time of one kind, which some heads need."""
    names, same = {name(rng) for _ in range(rng.randint(1, 20))}, kind(rng)
    alike = rng.random() < 0.5
    return ", ".join(f"{task}:{same if alike else kind(rng)}" for task in sorted(names))


def shape(rng: random.Random, context: Answers) -> str:
    """Draw the shape of an input, small enough for a suite."""
    most = {"tabular": [12], "sequence": [8, 4], "image": [20, 20, 0], "text": [30]}
    found = [rng.randint(8 if side == 20 else 1, side or 1) for side in most[context["input_kind"]]]
    if context["input_kind"] == "image":
        found[2] = rng.choice([1, 3])
    return ", ".join(map(str, found))


def sizes(least: int, most: int) -> Callable[[random.Random, Answers], str]:
    """Draw sizes of layers."""

    def draw(rng: random.Random, context: Answers) -> str:
        return ", ".join(str(rng.randint(1, 24)) for _ in range(rng.randint(least, most)))

    return draw


def head_units(rng: random.Random, context: Answers) -> str:
    """Draw sizes for all heads, or for each."""
    each = context.get("heads") == "separate" and rng.random() < 0.3
    return "; ".join(sizes(0, 3)(rng, context) for _ in range(context["num_tasks"] if each else 1))


def loss_weights(rng: random.Random, context: Answers) -> str:
    """Draw a weight for each task."""
    return ", ".join(f"{10 ** rng.uniform(-1, 1):.3g}" for _ in range(context["num_tasks"]))


def whole(least: int, most: int) -> Callable[[random.Random, Answers], int]:
    """Draw an integer."""
    return lambda rng, context: rng.randint(least, most)


def real(least: float, most: float) -> Callable[[random.Random, Answers], float]:
    """Draw a number, with three digits."""
    return lambda rng, context: float(f"{rng.uniform(least, most):.3g}")


# How texts and numbers are drawn, under the answers before them.
VALUES: dict[str, Callable[[random.Random, Answers], Any]] = {
    "tasks": tasks,
    "input_shape": shape,
    "trunk_units": sizes(0, 4),
    "expert_units": sizes(1, 3),
    "head_units": head_units,
    "loss_weights": loss_weights,
    "learning_rate": real(0.0005, 0.01),
    "label_smoothing": real(0, 0.5),
    "num_experts": whole(1, 5),
    "num_private_experts": whole(1, 3),
    "num_levels": whole(1, 3),
    "dwa_temperature": real(0.5, 10),
    "gradnorm_alpha": real(0, 3),
    "gradnorm_learning_rate": real(0.001, 0.1),
    "cagrad_c": real(0, 0.9),
    "famo_learning_rate": real(0.001, 0.1),
    "famo_decay": real(0, 0.01),
    "kernel_size": whole(1, 5),
    "embedding_dim": whole(1, 16),
}


def value(question: Question, rng: random.Random, context: Answers) -> Any:
    """Draw an answer to a question, which may still be refused."""
    if question.multiselect:
        return rng.sample(question.choices, rng.randint(0, 4))
    if question.choices:
        return rng.choice(question.choices)
    return VALUES[question.name](rng, context)


def answers(rng: random.Random) -> Answers:
    """Draw answers that are accepted; about half of the questions keep their defaults."""
    questionnaire = enumeration().questionnaire
    context: Answers = questionnaire.context({})
    found: Answers = {}
    for question in questionnaire.questions:
        applies = questionnaire.applies(question, context)
        drawn = applies and question.name not in GIVEN and rng.random() < 0.6
        for _ in range(100):
            if drawn:
                context[question.name] = value(question, rng, context)
            try:
                questionnaire.answer(question, context, validate=applies)
                break
            except AnswerError:  # draw another one, also where the default is refused
                drawn = True
        else:
            return answers(rng)  # no answer goes with those before
        if drawn:
            found[question.name] = context[question.name]
    return found


def draw(count: int, seed: int) -> list[Combination]:
    """Draw combinations; the seed decides which."""
    rng = random.Random(seed)
    return [combination(answers(rng), f"random-{seed}-{number}") for number in range(1, count + 1)]


def combination(data: Answers, name: str) -> Combination:
    """Give answers a name and a package."""
    named = {"project_name": name, "package": name.replace("-", "_")} | data
    return Combination(name, named, enumeration().questionnaire.resolve(named))


def fewer(failing: Combination) -> Iterator[Combination]:
    """Yield what is left without one of the answers, where that is accepted."""
    data = {k: v for k, v in failing.data.items() if k not in ("project_name", "package")}
    for number, left_out in enumerate(data, 1):
        less = {name: value for name, value in data.items() if name != left_out}
        try:
            yield combination(less, f"less-{number}")
        except AnswerError:
            continue
