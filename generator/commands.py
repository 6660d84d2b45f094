"""Arguments that several commands share."""

import argparse
import contextlib
import math
from pathlib import Path


def positive(text: str) -> int:
    """Read a count."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"'{text}': give an integer of 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """Read a duration."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"'{text}': give a positive number of seconds")


def add_answers(parser: argparse.ArgumentParser) -> None:
    """Add options for answers, in a file or one by one."""
    parser.add_argument("--data-file", type=Path, help="answers file (YAML)")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one answer; may be repeated",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add arguments that select combinations by name and by coverage."""
    parser.add_argument("pattern", nargs="*", help="names or glob patterns, such as 'siamese-*'")
    add_strength(parser)


def add_strength(parser: argparse.ArgumentParser) -> None:
    """Add the option that selects combinations by coverage."""
    parser.add_argument(
        "--strength",
        choices=("1", "2", "3", "all"),
        default="all",
        help="select a few in which every choice, or every 2 or 3, meet (default: all)",
    )
