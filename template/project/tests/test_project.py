"""Test that an update of the template is merged."""

import re
from pathlib import Path

PROJECT = Path(__file__).parent.parent
MARKS = re.compile("^(<<<<<<<|>>>>>>>) ", re.MULTILINE)


def test_no_conflict_of_an_update_is_left() -> None:
    files = [path for path in PROJECT.iterdir() if path.is_file()]
    for folder in (".github", "src", "tests"):
        files += [path for path in (PROJECT / folder).rglob("*.*") if path.is_file()]
    texts = [path for path in files if path.suffix in (".md", ".py", ".toml", ".yml", "")]
    marked = [path for path in texts if MARKS.search(path.read_text("utf-8", errors="replace"))]
    assert marked + [path for path in files if path.suffix == ".rej"] == []
