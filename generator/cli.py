"""Assemble the commands of the packages, run one, and print an error as one line.

Only the module of the command that is run is imported.
"""

import argparse
import os
import pkgutil
import sys
from collections.abc import Sequence

from generator import benchmarks, choices, projects, releases
from generator.errors import GeneratorError

# By command: the function that defines its arguments, and its help.
COMMANDS = {
    "demo": ("generator.demo:demo_command", "render an example, train it, print its result table"),
    **projects.COMMANDS,
    **releases.COMMANDS,
    **choices.COMMANDS,
    **benchmarks.COMMANDS,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if it went well, 2 after a user's mistake, otherwise the command's own status.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = parse(words)
        status = int(arguments.run(arguments))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except GeneratorError as error:
        return failed(error)
    except ModuleNotFoundError as error:
        return failed(f"{error.name} is not installed: run pip install -e '.[test]'")
    except OSError as error:
        return failed(f"{error.filename}: {error.strerror}" if error.filename else error)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def failed(reason: object) -> int:
    """Print an error; return the status of a user's mistake."""
    print(f"error: {reason}", file=sys.stderr)
    return 2


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Read a command line; `run` of the result is the function to call."""
    parser = argparse.ArgumentParser(
        prog="python -m generator", description="Render, test, update and measure projects."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (function, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        if name == next(iter(words), None):
            pkgutil.resolve_name(function)(command)
    return parser.parse_args(words)
