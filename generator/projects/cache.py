"""Remember suites that have passed, by content, so that unchanged ones are not run again."""

import contextlib
import hashlib
import json
import os
import sys
from importlib import metadata
from pathlib import Path

# A verdict depends on their versions, besides the project's own files.
PACKAGES = (
    "jax", "jaxlib", "keras", "matplotlib", "numpy", "pandas", "pillow", "pyarrow", "pytest",
    "tensorflow", "tyro",
)  # fmt: skip


def user_cache() -> "Cache":
    """Return the user's cache; where CI is set, one that is always empty."""
    import platformdirs

    if os.environ.get("CI"):
        return Cache(None)
    return Cache(platformdirs.user_cache_path("copier-keras-multitask") / "passed")


class Cache:
    """Store a small file for each project that has passed.

    Args:
        folder: where; None stores nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        runner = Path(__file__).with_name("suites.py").read_bytes()
        versions = [sys.version, *(f"{name} {metadata.version(name)}" for name in PACKAGES)]
        self._basis = hashlib.sha256("\n".join(versions).encode() + runner).hexdigest()

    def passed(self, project: Path) -> float | None:
        """Return the seconds that the suite of such a project took when it passed, or None."""
        try:
            path = self._path(project)
            return float(json.loads(path.read_text(encoding="utf-8"))) if path else None
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, project: Path, seconds: float) -> None:
        """Remember that a suite passed, if the folder can be written."""
        if path := self._path(project):
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                # Another run may write the same file: replace it atomically.
                draft = path.with_suffix(f".{os.getpid()}")
                draft.write_text(json.dumps(seconds), encoding="utf-8")
                draft.replace(path)

    def _path(self, project: Path) -> Path | None:
        if self.folder is None:
            return None
        key = hashlib.sha256(self._basis.encode())
        for path in sorted(project.rglob("*")):
            # Copier's answers contain the template's place, and a run leaves compiled files.
            if path.suffix in (".py", ".toml"):
                key.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes() + b"\0")
        return self.folder / key.hexdigest()
