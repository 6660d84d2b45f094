"""The commands `combinations` and `answers`."""

import argparse

import yaml

from generator.choices.combinations import Combination, enumeration
from generator.commands import add_selection
from generator.errors import AnswerError


def selection(arguments: argparse.Namespace) -> tuple[Combination, ...]:
    """Return the combinations that the arguments select.

    Raises:
        AnswerError: nothing is selected.
    """
    combinations = enumeration()
    chosen = combinations.select(*arguments.pattern)
    if arguments.strength != "all":
        covering = set(combinations.covering(int(arguments.strength)))
        chosen = tuple(c for c in chosen if c in covering)
    if not chosen:
        raise AnswerError(
            f"--strength {arguments.strength} selects nothing from {' '.join(arguments.pattern)}: "
            "omit --strength"
        )
    return chosen


def combinations_command(parser: argparse.ArgumentParser) -> None:
    """Define `combinations`."""
    add_selection(parser)
    parser.set_defaults(run=print_names)


def print_names(arguments: argparse.Namespace) -> int:
    """Print one name per line."""
    print("\n".join(combination.name for combination in selection(arguments)))
    return 0


def answers_command(parser: argparse.ArgumentParser) -> None:
    """Define `answers`."""
    parser.add_argument("name", help="its name")
    parser.set_defaults(run=print_answers)


def print_answers(arguments: argparse.Namespace) -> int:
    """Print an answers file that renders one combination.

    Raises:
        AnswerError: the name does not select exactly one combination.
    """
    chosen = enumeration().select(arguments.name)
    if len(chosen) > 1:
        raise AnswerError(
            f"'{arguments.name}' selects {len(chosen)} combinations: give the name of one"
        )
    print(yaml.safe_dump(chosen[0].data, sort_keys=False, allow_unicode=True), end="")
    return 0
