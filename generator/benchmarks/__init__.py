"""Measure what projects do: speed, memory and scores."""

COMMANDS = {
    "bench": (
        "generator.benchmarks.commands:bench_command",
        "measure what projects do; alone, the same as `bench all`",
    ),
}
