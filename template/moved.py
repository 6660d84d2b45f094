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
    if not Path(new).exists():  # the answers do not ask for it
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
        if not (template / old).exists():  # they had not asked for it
            return
        changed = committed(old)
        if changed is None:  # a person has taken it away: it stays so
            Path(new).unlink()
            return
        mine.write_bytes(changed)
        labels = ("-L", "after updating", "-L", "last update", "-L", "before updating")
        command = ["git", "merge-file", *labels, new, template / old, mine]
        # Up to 127 it is the number of conflicts.
        if subprocess.run(command, check=False).returncode > 127:
            raise SystemExit(f"{old} cannot be merged into {new}")
    # For git it is the same file.
    subprocess.run(["git", "add", "--intent-to-add", new], check=True)


def committed(file: str) -> bytes | None:
    """What a file was before the update, for which everything was committed; None without one."""
    command = ["git", "show", f"HEAD:./{file}"]
    done = subprocess.run(command, check=False, capture_output=True)
    return None if done.returncode else done.stdout


if __name__ == "__main__":
    moved(*sys.argv[1:])
