"""Remember test modules that have passed, so that they are not run again."""

import contextlib
import hashlib
import os
import sys
from importlib import metadata
from pathlib import Path

# A verdict depends on their versions, besides what the module sees of the project.
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
    """Store an empty file for each test module that has passed.

    Args:
        folder: where; None stores nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        runner = Path(__file__).with_name("suites.py").read_bytes()
        versions = [sys.version, *(f"{name} {metadata.version(name)}" for name in PACKAGES)]
        self._basis = hashlib.sha256("\n".join(versions).encode() + runner).hexdigest()

    def passed(self, key: str) -> bool:
        """Tell whether a test module with this key has passed."""
        try:
            return self.folder is not None and self._path(self.folder, key).is_file()
        except OSError:
            return False

    def keep(self, key: str) -> None:
        """Remember that it passed, if the folder can be written."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                self._path(self.folder, key).touch()

    def _path(self, folder: Path, key: str) -> Path:
        return folder / hashlib.sha256(f"{self._basis} {key}".encode()).hexdigest()
