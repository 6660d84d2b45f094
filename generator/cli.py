"""python -m generator COMMAND"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from generator import render
from generator.questions import AnswerError
from generator.render import RenderError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it went well, 2 on a user's mistake, else the command's own status."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except (RenderError, AnswerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="python -m generator", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="render an example, train it, print its result table")
    demo.add_argument("name", nargs="?", default="penguins", help="one of examples/ (penguins)")
    demo.add_argument("--into", type=Path, default=Path("demo"), help="folder for it (demo)")
    demo.add_argument("--epochs", type=int, help="passes over the training rows, at most")
    demo.set_defaults(command=run_demo)

    one = commands.add_parser("render", help="render one project, refusing unknown answers")
    one.add_argument("destination", type=Path, help="directory that does not exist yet")
    one.add_argument("--data-file", type=Path, help="answers file (YAML)")
    one.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an answer; may be repeated",
    )
    one.set_defaults(command=run_render)

    listing = commands.add_parser("combinations", help="print the name of every combination")
    listing.add_argument("pattern", nargs="*", help="glob patterns, such as 'siamese-*'")
    listing.set_defaults(command=run_combinations)

    speed = commands.add_parser("benchmark", help="training speed beside plain Keras")
    speed.add_argument("--rounds", type=int, default=5, help="times that each trains (5)")
    speed.set_defaults(command=run_benchmark)
    return top


def run_demo(arguments: argparse.Namespace) -> int:
    """Render an example (or take the one that is there), write its table, train."""
    from generator import examples

    data = render.read_answers(examples.answers_file(arguments.name))
    project = arguments.into / arguments.name
    if project.exists():
        print(f"{project} is there already: training it as it is (remove it to render it anew).")
    else:
        with render.snapshot() as template:
            render.render(template, data, project)
        print(f"Rendered examples/{arguments.name}.yml to {project}.")
    command = [sys.executable, "-m", f"{data['package']}.train"]
    if arguments.name in examples.TABLES:
        table = project / "data" / f"{arguments.name}.csv"
        if not table.exists():
            table.parent.mkdir(exist_ok=True)
            examples.TABLES[arguments.name]().to_csv(table, index=False)
        command += ["--data", str(table.relative_to(project))]
    if arguments.epochs is not None:
        command += ["--epochs", str(arguments.epochs)]
    print(f"Training it: cd {project} && python {' '.join(command[1:])}\n", flush=True)
    path = os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH")]))
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": path}
    environment.pop("KERAS_BACKEND", None)
    status = subprocess.run(command, cwd=project, env=environment, check=False).returncode
    if status == 0:
        print(f"These paths are relative to {project}, a project of its own: see its README.md.")
    return status


def run_render(arguments: argparse.Namespace) -> int:
    """Render one project."""
    data: dict[str, Any] = {}
    if arguments.data_file:
        data |= render.read_answers(arguments.data_file)
    for answer in arguments.data:
        key, equals, value = answer.partition("=")
        if not equals:
            raise RenderError(f"--data {answer}: give KEY=VALUE, as in --data backend=jax")
        data[key] = value
    with render.snapshot() as template:
        render.render(template, data, arguments.destination)
    print(f"Rendered {arguments.destination}. Next: its README.md.")
    return 0


def run_combinations(arguments: argparse.Namespace) -> int:
    """Print names, one a line."""
    from generator.combinations import Combinations

    for combination in Combinations().select(*arguments.pattern):
        print(combination.name)
    return 0


def run_benchmark(arguments: argparse.Namespace) -> int:
    """Print ratios."""
    from generator.benchmark import benchmark

    benchmark(arguments.rounds)
    return 0
