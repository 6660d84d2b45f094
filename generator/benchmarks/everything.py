"""Run the benchmarks of training speed one after another."""

import argparse
from pathlib import Path
from typing import Any

from generator.benchmarks import peers, recording, speed, tasks

PARTS: dict[str, recording.Part] = {
    "speed": (speed.bench_speed, speed.draw),
    "tasks": (tasks.bench_tasks, tasks.draw),
    "peers": (peers.bench_peers, peers.draw),
}


def add_command(benches: Any) -> None:
    """Define `bench all`."""
    parser = benches.add_parser("all", help="speed, tasks and peers, saved in one file")
    recording.add_options(parser)
    parser.set_defaults(run=run)


def add_defaults(parser: argparse.ArgumentParser) -> None:
    """Let `bench` alone do the same."""
    parser.set_defaults(run=run, into=Path("bench"), rounds=5)


def run(arguments: argparse.Namespace) -> int:
    """Run all parts."""
    return recording.run("all", PARTS, arguments)
