"""Keep what a person has changed in a file that a version of the template moves: a migration.

python moved.py ANSWERS OLD NEW    (in a project that Copier has just updated)

`copier update` takes OLD away, with what was changed in it, and writes NEW afresh. Here the person's
OLD is merged into NEW; what clashes stands there between conflict marks. CONTRIBUTING.md says how a
version of the template asks for it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import copier
import yaml


def moved(answers_file: str, old: str, new: str) -> None:
    """Merge into `new` what was changed in `old` since the template wrote it."""
    answers = yaml.safe_load(committed(answers_file))
    with tempfile.TemporaryDirectory() as folder:
        mine, template = Path(folder, "mine"), Path(folder, "template")
        mine.write_bytes(committed(old))
        copier.run_copy(
            answers["_src_path"],
            template,
            data={name: value for name, value in answers.items() if not name.startswith("_")},
            vcs_ref=answers["_commit"],
            defaults=True,
            quiet=True,
        )
        labels = ("-L", "after updating", "-L", "last update", "-L", "before updating")
        # Its status is the number of conflicts.
        subprocess.run(["git", "merge-file", *labels, new, template / old, mine], check=False)


def committed(file: str) -> bytes:
    """What a file was before the update, for which everything was committed."""
    command = ["git", "show", f"HEAD:./{file}"]
    return subprocess.run(command, check=True, capture_output=True).stdout


if __name__ == "__main__":
    moved(*sys.argv[1:])
