"""Render, check and test the project of a combination."""

COMMANDS = {
    "render": (
        "generator.projects.render:render_command",
        "render one project, refusing unknown answers",
    ),
    "check": (
        "generator.projects.commands:check_command",
        "render combinations and check them without running them",
    ),
    "test": (
        "generator.projects.commands:test_command",
        "render combinations and run their test suites",
    ),
    "random": (
        "generator.projects.drawn:random_command",
        "render and check projects of answers drawn at random",
    ),
    "matrix": (
        "generator.projects.commands:matrix_command",
        "print the matrix of a CI that runs the suites in shards",
    ),
    "ran": (
        "generator.projects.commands:ran_command",
        "check that reports contain every combination, passed",
    ),
}
