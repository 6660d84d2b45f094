"""Keep a person's edits in a file that a version of the template moves; a migration of Copier.

Usage, in a project that Copier has just updated: python moved.py ANSWERS OLD NEW

`copier update` deletes OLD with its edits, and writes NEW afresh. This merges the edits of OLD into
NEW. Where both changed the same line, NEW has conflict markers. CONTRIBUTING.md says how copier.yml
asks for it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import copier
import yaml


def moved(answers_file: str, old: str, new: str) -> None:
    """Merge the edits of `old` since the template wrote it into `new`."""
    if not Path(new).exists():  # the answers do not need it
        return
    answers = yaml.safe_load(committed(answers_file) or b"")
    with tempfile.TemporaryDirectory() as folder:
        mine, template = Path(folder, "mine"), Path(folder, "template")
        copier.run_copy(
            answers["_src_path"],
            template,
            data={name: value for name, value in answers.items() if not name.startswith("_")},
            vcs_ref=answers["_commit"],
            defaults=True,
            quiet=True,
        )
        if not (template / old).exists():  # the answers did not need it
            return
        changed = committed(old)
        if changed is None:  # a person has deleted it: it stays deleted
            Path(new).unlink()
            return
        mine.write_bytes(changed)
        labels = ("-L", "after updating", "-L", "last update", "-L", "before updating")
        command = ["git", "merge-file", *labels, new, template / old, mine]
        # A status up to 127 is the number of conflicts.
        if subprocess.run(command, check=False).returncode > 127:
            raise SystemExit(f"{old}: git cannot merge it into {new}; merge your edits by hand")
    # Let git diff show it as a new file.
    subprocess.run(["git", "add", "--intent-to-add", new], check=True)


def committed(file: str) -> bytes | None:
    """Return the content of a file in the last commit, which the update started from, or None."""
    command = ["git", "show", f"HEAD:./{file}"]
    done = subprocess.run(command, check=False, capture_output=True)
    return None if done.returncode else done.stdout


if __name__ == "__main__":
    moved(*sys.argv[1:])
