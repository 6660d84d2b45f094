"""Release versions of the template, and update projects to them."""

COMMANDS = {
    "update": (
        "generator.releases.update:update_command",
        "run copier update, and report conflicts and lost files",
    ),
    "release": (
        "generator.releases.releases:release_command",
        "give the present state a version and a tag",
    ),
}
