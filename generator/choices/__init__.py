"""Read copier.yml and list every valid combination of its answers."""

COMMANDS = {
    "combinations": (
        "generator.choices.commands:combinations_command",
        "print the name of every combination",
    ),
    "answers": (
        "generator.choices.commands:answers_command",
        "print the answers file of a combination",
    ),
}
