"""The command `bench`."""

import argparse

from generator.benchmarks import (
    everything,
    peers,
    predict,
    profile,
    sharing,
    speed,
    streaming,
    tasks,
    weighting,
)


def bench_command(parser: argparse.ArgumentParser) -> None:
    """Define `bench`, with a command of each benchmark below it."""
    benches = parser.add_subparsers(metavar="WHAT")
    everything.add_defaults(parser)
    for benchmark in (
        everything, speed, tasks, peers, profile, weighting, sharing, predict, streaming
    ):  # fmt: skip
        benchmark.add_command(benches)
