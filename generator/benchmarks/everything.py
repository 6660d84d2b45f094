"""Runs benchmarks of training speed, and keeps what they measured, with the machine and versions.

Figures hold for one machine at one time only: compare ratios of one run.
"""

import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from generator.benchmarks import peers, speed, tasks

PACKAGES = ("keras", "tensorflow", "jax", "numpy", "torch", "torchjd", "deepctr")
# What measures and prints, and what draws it.
PARTS: dict[str, tuple[Callable[[int], Any], Callable[[Path, Any], None]]] = {
    "speed": (bench_speed.bench_speed, bench_speed.draw),
    "tasks": (bench_tasks.bench_tasks, bench_tasks.draw),
    "peers": (bench_peers.bench_peers, bench_peers.draw),
}


def bench(name: str, parts: Sequence[str], into: Path, rounds: int) -> None:
    """Measure parts in turn; `name`.json has all of them, each has a picture of its own."""
    into.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"machine": machine(), "versions": versions()}
    for part in parts:
        measure, draw = PARTS[part]
        found[part] = measure(rounds)
        # After each part, so that an interruption loses one only.
        text = json.dumps(found, indent=1) + "\n"
        (into / f"{name}.json").write_text(text, encoding="utf-8")
        draw(into / f"{part}.png", found[part])
    print(f"All of it is in {into}.")


def machine() -> dict[str, Any]:
    """What figures depend on."""
    return {"cpu": cpu(), "cores": os.cpu_count(), "system": platform.platform()}


def cpu() -> str:
    """The model of the processor, as far as it is known."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of Python and of what is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
