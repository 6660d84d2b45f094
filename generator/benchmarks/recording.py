"""Save what benchmarks of training speed measure, with the machine and the versions.

Figures hold for one machine at one time only: compare ratios of one run.
"""

import argparse
import functools
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from generator.commands import positive

PACKAGES = ("keras", "tensorflow", "jax", "numpy", "torch", "torchjd", "deepctr")
# A function that measures and prints, given a number of rounds, and one that draws the result.
Part = tuple[Callable[[int], Any], Callable[[Path, Any], None]]


def add_part(benches: Any, name: str, about: str, part: Part) -> None:
    """Define the command of a benchmark that is saved in a file of its own."""
    parser = benches.add_parser(name, help=about, description=about)
    add_options(parser)
    parser.set_defaults(run=functools.partial(run, name, {name: part}))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a benchmark that is saved."""
    parser.add_argument("--into", type=Path, default=Path("bench"), help="folder (default: bench)")
    parser.add_argument(
        "--rounds", type=positive, default=5, help="trainings of each network (default: 5)"
    )


def run(name: str, parts: Mapping[str, Part], arguments: argparse.Namespace) -> int:
    """Measure parts in turn, and save them in one JSON file and a picture each."""
    into: Path = arguments.into
    into.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"machine": machine(), "versions": versions()}
    for part, (measure, draw) in parts.items():
        found[part] = measure(arguments.rounds)
        # After each part, so that an interruption loses only one.
        text = json.dumps(found, indent=1) + "\n"
        (into / f"{name}.json").write_text(text, encoding="utf-8")
        draw(into / f"{part}.png", found[part])
    print(f"The results are in {into}.")
    return 0


def machine() -> dict[str, Any]:
    """Return what figures depend on."""
    return {"cpu": cpu(), "cores": os.cpu_count(), "system": platform.platform()}


def cpu() -> str:
    """Return the model of the processor, as far as it is known."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Return the versions of Python and of installed packages."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
