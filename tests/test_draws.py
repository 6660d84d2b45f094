"""Test projects of answers drawn at random, and that a failure is shrunk to the fewest answers."""

import pytest

from generator.choices import draws
from generator.choices.combinations import Combination, enumeration
from generator.cli import main
from generator.projects import drawn


def test_seed_decides_what_is_drawn() -> None:
    one, again, other = draws.draw(20, 1), draws.draw(20, 1), draws.draw(20, 2)
    assert [c.data for c in one] == [c.data for c in again] != [c.data for c in other]


def test_draws_reach_every_question_and_many_tasks() -> None:
    found = draws.draw(300, 0)
    asked = {
        question.name for question in enumeration().questionnaire.questions if question.choices
    }
    given = {name for combination in found for name in combination.data}
    assert given >= asked | draws.VALUES.keys()
    assert {c.answers["num_tasks"] for c in found} >= {1, 2, 20}


def test_failure_is_shrunk_to_the_fewest_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def problems(chosen: list[Combination], suites: bool) -> dict[str, str]:
        cause = {"optimizer": "sgd", "backend": "jax"}.items()
        return {c.name: "it is red" for c in chosen if cause <= c.data.items()}

    monkeypatch.setattr(drawn, "problems", problems)
    assert main(["random", "100"]) == 1
    printed = capsys.readouterr().out
    answers = printed.partition("fails:\n")[2].splitlines()[2:]  # after the names
    assert sorted(answers) == ["backend: jax", "optimizer: sgd"]


def test_random_project_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["random", "1", "--seed", "5"]) == 0
    assert capsys.readouterr().out == "1 of 1 projects are good.\n"


@pytest.mark.parametrize(("count", "seed", "suites"), [(160, 0, False), (40, 1, True)])
def test_many_random_projects_are_good(
    request: pytest.FixtureRequest, count: int, seed: int, suites: bool
) -> None:
    if request.config.getoption("--strength") != "all":
        pytest.skip("part of `make test-all`")
    assert not drawn.problems(draws.draw(count, seed), suites)
