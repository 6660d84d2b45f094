"""The enumeration: what there is, what it is called, and that Copier agrees."""

import itertools
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from generator.projects import render
from generator.choices.combinations import ONCE, Combination, Combinations
from generator.choices.questions import ROOT, AnswerError, Questionnaire, TemplateError


def test_every_choice_of_every_question_is_enumerated(combinations: Combinations) -> None:
    found = {
        (question.name, combination.answers.get(question.name))
        for combination in combinations.all()
        for question in combinations.questionnaire.questions
    }
    for question in combinations.questionnaire.questions:
        for choice in question.choices:
            assert (question.name, choice) in found


SLOTS = {
    "inputs": "input_kind", "sample": "input_kind", "trunk": "input_kind", "layout": "layout",
    "sharing": "sharing", "comparison": "comparison", "heads": "heads",
    "weighting": "loss_weighting", "gradients": "backend", "batches": "backend",
    "tracking": "tracking", "distribution": "backend",
}  # fmt: skip


def test_every_part_is_a_choice(combinations: Combinations) -> None:
    choices = {q.name: set(q.choices) for q in combinations.questionnaire.questions}
    folders = {folder.name for folder in (ROOT / "template/parts").iterdir()}
    assert folders == SLOTS.keys()
    for slot, question in SLOTS.items():
        parts = {path.stem for path in (ROOT / "template/parts" / slot).iterdir()}
        assert parts == choices[question], slot


def test_names_are_unique_and_safe_for_files(combinations: Combinations) -> None:
    names = [combination.name for combination in combinations.all()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_+-]+", name) for name in names)


def test_every_boundary_meets_every_choice_that_it_can_meet(combinations: Combinations) -> None:
    bases = [c for c in combinations.all() if "+" not in c.name and c.name != "default"]
    asked = [q.name for q in combinations.asked]
    one_task = ("one-task", "one-class-task")
    for boundary, answers in combinations.boundaries.items():
        possible = set()
        for base in bases:
            chosen = {name: base.answers[name] for name in asked if name in base.answers}
            try:
                combinations._combine(chosen, boundary, answers)
            except AnswerError:
                continue
            possible |= set(chosen.items())
        meeting = [c for c in combinations.all() if c.name.split("+")[1:2] == [boundary]]
        met = {(n, c.answers[n]) for c in meeting for n in asked if n in c.answers}
        unasked = {"sharing", "heads", "loss_weighting"} if boundary in one_task else set()
        assert {pair for pair in possible if pair[0] not in unasked} <= met, boundary


@pytest.mark.parametrize("strength", [2, 3])
def test_a_covering_array_has_every_meeting_and_few_combinations(
    combinations: Combinations, strength: int
) -> None:
    def meetings(some: Iterable[Combination]) -> set[tuple[object, ...]]:
        return {
            meeting
            for c in some
            for meeting in itertools.combinations(sorted(combinations._asked(c).items()), strength)
        }

    bases = [c for c in combinations.all() if "+" not in c.name]
    few = combinations.covering(strength)
    assert meetings(few) == meetings(bases)
    assert len(few) < len(bases) / 3


def test_a_thorough_selection_meets_every_boundary(combinations: Combinations) -> None:
    some = combinations.thorough(2)
    assert set(combinations.covering(2)) <= set(some)

    def boundaries(chosen: Iterable[Combination]) -> set[tuple[str, str]]:
        return {(c.backend, c.name.split("+")[1]) for c in chosen if "+" in c.name}

    asked, met = boundaries(combinations.all()), boundaries(some)
    assert {boundary for _, boundary in asked - met} == ONCE
    assert {boundary for _, boundary in asked} == {boundary for _, boundary in met}
    assert len(some) < len(combinations.all()) / 2


# A question, one of its choices, the folder of its parts, and answers under which it is asked.
EXTENSIBLE = {
    "comparison": ("product", "comparison", {"layout": "siamese"}),
    "sharing": ("mmoe", "sharing", {}),
    "heads": ("separate", "heads", {}),
    "loss_weighting": ("equal", "weighting", {}),
}


@pytest.mark.parametrize("question", EXTENSIBLE)
def test_a_new_choice_joins_with_a_line_and_a_part(
    question: str, tmp_path: Path, combinations: Combinations
) -> None:
    like, slot, answers = EXTENSIBLE[question]
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "template", copy / "template")
    text = (ROOT / "copier.yml").read_text(encoding="utf-8")
    line = re.findall(rf"(?ms)^{question}:.*?(^    [^\n]*: {like}\n)", text)[0]
    added = text.replace(line, line + "    A new one: newcomer\n")
    (copy / "copier.yml").write_text(added, encoding="utf-8")
    part = copy / "template/parts" / slot
    shutil.copy(part / f"{like}.py", part / "newcomer.py")
    before = {c.name for c in combinations.all() if "+" not in c.name}
    after = {c.name for c in Combinations(Questionnaire(copy)).all() if "+" not in c.name}
    assert before < after
    alike = sum(f"-{like}-" in name for name in before)
    assert len(after - before) == alike > 0
    with render.snapshot(copy) as template:
        render.render(template, answers | {question: "newcomer"}, tmp_path / "out")


def test_copier_resolves_answers_as_the_questionnaire_does(
    template: Path, tmp_path: Path, combinations: Combinations
) -> None:
    for combination in combinations.covering(2):
        folder = tmp_path / combination.name
        render.render(template, combination.data, folder)
        recorded = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
        recorded = {k: v for k, v in recorded.items() if not k.startswith("_")}
        assert recorded == combination.answers


BROKEN = {
    "a misspelt name": (
        "copier.yml", "{% if kernel_size < 1", "{% if kernel_sise < 1",
        "question 'kernel_size' of copier.yml: 'kernel_sise' is undefined",
    ),
    "an open tag": (
        "copier.yml", "{% if kernel_size < 1 %}", "{% if kernel_size < 1",
        "question 'kernel_size' of copier.yml: ",
    ),
    "no YAML": ("copier.yml", "layout:\n", "layout: x: y\n", "copier.yml, line "),
    "no question": (
        "copier.yml", "optimizer:\n", "author: me\n\noptimizer:\n",
        "question 'author' of copier.yml: give it a type",
    ),
    "choices that are no texts": (
        "copier.yml", "[adam, adamw, rmsprop, sgd]", "[[Adam, adam], [SGD, sgd]]",
        "question 'optimizer' of copier.yml: give it choices that are texts",
    ),
    "yes or no": (
        "copier.yml", "optimizer:\n", "bias:\n  type: bool\n\noptimizer:\n",
        "question 'bias' of copier.yml: give it choices that are texts",
    ),
    "an open macro": (
        "template/rules.jinja", "{% macro sizes(value, what) %}", "{% macro sizes(value, what %}",
        "template/rules.jinja, line ",
    ),
    "a mistake in a macro": (
        "template/rules.jinja", "{% set shapes = value.split(';') %}", "{% set shapes = 1 // 0 %}",
        "template/rules.jinja, line ",
    ),
    "a question that the rules do not know": (
        "template/rules.jinja", "comparison heads", "heads",
        "no valid answer to layout anywhere: project_name: unknown answer 'comparison'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_template_gets_one_line(name: str, tmp_path: Path) -> None:
    file, old, new, message = BROKEN[name]
    shutil.copy(ROOT / "copier.yml", tmp_path)
    shutil.copytree(ROOT / "template", tmp_path / "template")
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(TemplateError) as refusal:
        Combinations(Questionnaire(tmp_path)).all()
    assert message in str(refusal.value) and "\n" not in str(refusal.value)
