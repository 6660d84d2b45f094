"""Test the enumeration: its content, its names, and that Copier agrees."""

import itertools
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml

from generator.choices.combinations import (
    ON_BOTH,
    USUAL,
    USUAL_BY_CHOICE,
    Combination,
    Combinations,
)
from generator.choices.questions import ROOT, Questionnaire
from generator.errors import AnswerError, TemplateError
from generator.projects import render
from generator.projects.checks import SLOTS


def test_every_choice_of_every_question_is_enumerated(combinations: Combinations) -> None:
    found = set()
    for combination in combinations.all():
        for name, answer in combination.answers.items():
            found |= {(name, one) for one in (answer if isinstance(answer, list) else [answer])}
    for question in combinations.questionnaire.questions:
        for choice in question.choices:
            assert (question.name, choice) in found


def test_every_choice_of_a_slot_has_a_part(combinations: Combinations) -> None:
    slots = {folder.name for folder in (ROOT / "template/parts").iterdir()}
    questions = {SLOTS.get(q.name, q.name): q for q in combinations.questionnaire.questions}
    for slot in slots & questions.keys():
        parts = {path.name for path in (ROOT / "template/parts" / slot).iterdir()}
        assert set(questions[slot].choices) <= parts, slot
    assert {"extras", "heads", "sharing", "weighting"} <= slots & questions.keys()


def test_names_are_unique_and_safe_for_files(combinations: Combinations) -> None:
    names = [combination.name for combination in combinations.all()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_+-]+", name) for name in names)


def test_every_boundary_meets_every_choice_that_it_can_meet(combinations: Combinations) -> None:
    choices = {q.name: q.choices for q in combinations.asked}
    for boundary, answers in combinations.boundaries.items():
        possible = combinations.walk(choices, {}, boundary, answers)
        meeting = [c for c in combinations.all() if c.name.split("+")[1:2] == [boundary]]
        can_meet, met = (
            {pair for c in some for pair in combinations.chosen(c)} for some in (possible, meeting)
        )
        assert met == can_meet and met, boundary


def brute_force(
    combinations: Combinations, chosen: dict[str, str], answers: dict[str, Any]
) -> frozenset[tuple[str, str]] | None:
    """Resolve choices without pruning; return those that apply, or None if they are refused."""
    for usual in USUAL:
        data = {**usual}
        for pair, more in USUAL_BY_CHOICE.items():
            data |= more if pair in chosen.items() else {}
        data |= chosen | answers
        try:
            found = combinations.questionnaire.resolve(data)
            applying = {name: value for name, value in data.items() if name in found}
            found = combinations.questionnaire.resolve(applying)
        except AnswerError:
            continue
        if answers.keys() - {"loss_weights"} <= found.keys():
            return frozenset((n, found[n]) for n in chosen if n in found)
    return None


@pytest.mark.parametrize("boundary", ["", "two-image-sizes", "many-experts", "data_parallel"])
def test_pruning_drops_no_valid_combination(boundary: str, combinations: Combinations) -> None:
    asked = {q.name: q.choices for q in combinations.asked}
    answers = combinations.boundaries.get(boundary, {})
    every = (dict(zip(asked, values, strict=True)) for values in itertools.product(*asked.values()))
    valid = {brute_force(combinations, chosen, answers) for chosen in every} - {None}
    assert valid == {
        combinations.chosen(c) for c in combinations.walk(asked, {}, boundary, answers)
    }


def test_each_extra_is_a_boundary_of_its_own(combinations: Combinations) -> None:
    [extras] = [q for q in combinations.questionnaire.questions if q.multiselect]
    default = combinations.all()[0].answers["extras"]
    for extra in extras.choices:
        if [extra] != default:
            assert combinations.boundaries[extra] == {"extras": [extra]}
    for c in combinations.all():
        _, _, boundary = c.name.partition("+")
        if boundary in extras.choices:
            assert c.answers["extras"] == [boundary]
    assert combinations.boundaries["no-extras"] == {"extras": []}


def test_large_sets_of_extras_contain_every_extra(combinations: Combinations) -> None:
    [extras] = [q for q in combinations.questionnaire.questions if q.multiselect]
    sets = [
        answers["extras"]
        for name, answers in combinations.boundaries.items()
        if name.startswith("all-extras-")
    ]
    assert set().union(*sets) == set(extras.choices)
    for together in sets:
        for extra in set(extras.choices) - set(together):
            with pytest.raises(AnswerError):
                combinations.questionnaire.resolve({"extras": [*together, extra]})


MULTISELECT = """
_subdirectory: template
_envops: {trim_blocks: true}
size:
  type: int
  default: 3
extras:
  type: str
  multiselect: true
  choices:
    "first: a": a
    "second: b": b
    "third: c":
      value: c
      validator: "{% if size < 2 %}c needs a size of 2 or more{% endif %}"
  default: [b]
  validator: "{% if 'a' in extras and 'b' in extras %}a and b do not go together{% endif %}"
"""


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"extras": []},
        {"extras": ["c", "a", "a"]},
        {"extras": "[c, a]"},
        {"extras": "['b']"},
        {"extras": "[]"},
        {"extras": "a"},
        {"extras": ""},
        {"extras": "[a"},
        {"extras": ["d"]},
        {"extras": ["a", "b"]},
        {"extras": ["c"], "size": 1},
        {"size": 1},
    ],
)
def test_multiselect_answers_are_resolved_as_copier_does(
    data: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "copier.yml").write_text(MULTISELECT, encoding="utf-8")
    folder = tmp_path / "template"
    folder.mkdir()
    text = "{{ _copier_answers | to_nice_yaml }}"
    (folder / "{{ _copier_conf.answers_file }}.jinja").write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    try:
        copier.run_copy(
            str(tmp_path), out, data, defaults=True, quiet=True, settings=copier.Settings()
        )
        recorded = yaml.safe_load((out / ".copier-answers.yml").read_text(encoding="utf-8"))
        expected = {name: recorded[name] for name in ("size", "extras")}
    except (TypeError, ValueError, yaml.YAMLError):
        expected = None
    try:
        found = Questionnaire(tmp_path).resolve(data)
    except AnswerError:
        found = None
    assert found == expected


@pytest.mark.parametrize("strength", [2, 3])
def test_few_covering_combinations_have_every_meeting_of_choices(
    combinations: Combinations, strength: int
) -> None:
    def meetings(some: Iterable[Combination]) -> set[tuple[object, ...]]:
        return {
            meeting
            for c in some
            for meeting in itertools.combinations(sorted(combinations.chosen(c)), strength)
        }

    bases = [c for c in combinations.all() if "+" not in c.name]
    few = combinations.covering(strength)
    assert meetings(few) == meetings(bases)
    assert len(few) < len(bases) / 3


def test_thorough_selection_has_every_boundary(combinations: Combinations) -> None:
    some = combinations.thorough(2)
    assert set(combinations.covering(2)) <= set(some)

    def boundaries(chosen: Iterable[Combination]) -> set[tuple[str, str]]:
        return {(c.backend, c.name.split("+")[1]) for c in chosen if "+" in c.name}

    asked, met = boundaries(combinations.all()), boundaries(some)
    assert not {boundary for _, boundary in asked - met} & ON_BOTH
    assert {boundary for _, boundary in asked} == {boundary for _, boundary in met}
    assert len(some) < len(combinations.all()) / 2


# By question: one of its choices, the folder of its parts, and answers under which it is asked.
EXTENSIBLE = {
    "comparison": ("product", "comparison", {"layout": "siamese"}),
    "sharing": ("mmoe", "sharing", {}),
    "heads": ("separate", "heads", {}),
    "loss_weighting": ("equal", "weighting", {}),
}


@pytest.mark.parametrize("question", EXTENSIBLE)
def test_a_new_choice_needs_one_line_and_one_part(
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
    shutil.copytree(part / like, part / "newcomer")
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
    "a misspelled name": (
        "copier.yml", "rules.count(kernel_size, 1", "rules.count(kernel_sise, 1",
        "'kernel_sise' is undefined",
    ),
    "an unclosed tag": (
        "copier.yml", "{{ rules.count(kernel_size, 1, 1000, 'pixels') }}", "{% if %}",
        "question 'kernel_size' of copier.yml: ",
    ),
    "invalid YAML": ("copier.yml", "layout:\n", "layout: x: y\n", "copier.yml, line "),
    "not a question": (
        "copier.yml", "optimizer:\n", "author: me\n\noptimizer:\n",
        "question 'author' of copier.yml is not a mapping: give it a type",
    ),
    "choices that are not texts": (
        "copier.yml", "[adam, adamw, rmsprop, sgd]", "[[Adam, adam], [SGD, sgd]]",
        "question 'optimizer' of copier.yml: give it choices that are texts",
    ),
    "a yes-or-no question": (
        "copier.yml", "optimizer:\n", "bias:\n  type: bool\n\noptimizer:\n",
        "question 'bias' of copier.yml: give it choices that are texts",
    ),
    "an unclosed macro": (
        "template/rules.jinja", "{% macro sizes(value, what) %}", "{% macro sizes(value, what %}",
        "template/rules.jinja, line ",
    ),
    "a mistake in a macro": (
        "template/rules.jinja", "{% set shapes = value.split(';') %}", "{% set shapes = 1 // 0 %}",
        "template/rules.jinja, line ",
    ),
    "a question that is missing in the rules": (
        "template/rules.jinja", "comparison heads", "heads",
        "is not a valid answer to layout anywhere: project_name: unknown answer 'comparison'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_template_is_reported_in_one_line(name: str, tmp_path: Path) -> None:
    file, old, new, message = BROKEN[name]
    shutil.copy(ROOT / "copier.yml", tmp_path)
    shutil.copytree(ROOT / "template", tmp_path / "template")
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(TemplateError) as refusal:
        Combinations(Questionnaire(tmp_path)).all()
    assert message in str(refusal.value) and "\n" not in str(refusal.value)
