"""Fetch and serve the lock libraries of the Python index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fence.targets import pypi
from fence.targets.locks import HERE
from fence.targets.locks.cached_library import CachedLibrary

__all__ = ["Unpacks", "served"]


class Unpacks:
    """Fetches and unpacks a version of one library.

    Args:
        name: name on the index, and of its only module or package.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, version: str, folder: Path, shop: Path) -> str:
        """Fetch a version and return its hash.

        Args:
            version: as the index writes it.
            folder: folder to unpack it to.
            shop: folder for temporary files.

        Returns:
            The hash.
        """
        spec = f"{self._name}=={version}"
        pinned: dict[str, str] = json.loads((HERE / "pinned.json").read_text(encoding="utf-8"))
        sha256 = pinned.get(spec) or pypi.sha256_of(spec)
        archive = pypi.fetch(spec, sha256, shop / "archive")
        pypi.unpack(archive, folder, self._wanted)
        return f"sha256-{sha256}"

    def _wanted(self, path: str) -> bool:
        module = path == f"{self._name}.py" or (path.startswith(f"{self._name}/") and path.endswith(".py"))
        return module or "LICENSE" in path.rpartition("/")[2]


def served(package: CachedLibrary, variant: str) -> tuple[str, ...]:
    """Return the command that serves a lock of a package."""
    script = str(HERE / "serve.py")
    return sys.executable, "-I", "-B", script, str(package.files), package.name, package.version, variant
