"""Describe a fence extracted from a package: a folder with the bundle and a file of facts about it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

__all__ = ["BUNDLE", "CachedBundle", "made_of", "read_all"]

BUNDLE = "fence.cjs"
_FACTS = "target.json"
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class CachedBundle:
    """A version in the cache.

    Args:
        version: as the registry writes it.
        integrity: the package's hash, in the registry's form.
        recipe: recipe that extracted it.
        sha256: hash of the bundle.
        merges: whether the controller accepts a merge callback.
        files: number of files of the package in it.
        bytes: size of the bundle.
        folder: its folder.
    """

    version: str
    integrity: str
    recipe: str
    sha256: str
    merges: bool
    files: int
    bytes: int
    folder: Path

    @property
    def fences(self) -> tuple[str, ...]:
        """Return the references that `--fence` accepts for it."""
        bare = f"openclaw@{self.version}"
        return (bare, f"{bare}+merge") if self.merges else (bare,)

    @property
    def folder_name(self) -> str:
        """Return a name that is unique for package and recipe."""
        key = hashlib.sha256(f"{self.integrity} {self.recipe}".encode()).hexdigest()
        return f"{self.version}-{key[:16]}"

    @property
    def summary(self) -> str:
        """Return a short description of its content."""
        return f"{self.bytes / 1000:.0f} kB of {self.files} of its files"


def made_of(folder: Path, version: str, integrity: str, recipe: str, facts: dict[str, Any]) -> CachedBundle:
    """Return a description of a new bundle, and store it in its folder.

    Args:
        folder: folder of the bundle.
        version: version of the package.
        integrity: hash of the package.
        recipe: recipe that extracted it.
        facts: ``merges`` and ``files``, from bundle.mjs.
    """
    text = (folder / BUNDLE).read_bytes()
    sha256 = hashlib.sha256(text).hexdigest()
    bundle = CachedBundle(
        version, integrity, recipe, sha256, facts["merges"], facts["files"], len(text), folder
    )
    stored = {"format": _FORMAT, **dataclasses.asdict(bundle)}
    del stored["folder"]
    (folder / _FACTS).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return bundle


def read_all(place: Path) -> list[CachedBundle]:
    """Return the bundles below a folder that are unchanged, oldest version first."""
    if not place.is_dir():
        return []
    bundles = [_read(folder) for folder in place.iterdir()]
    return sorted(
        (bundle for bundle in bundles if bundle is not None), key=lambda bundle: _order(bundle.version)
    )


def _read(folder: Path) -> CachedBundle | None:
    try:
        stored = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if stored.pop("format") != _FORMAT:
            return None
        bundle = CachedBundle(**stored, folder=folder)
        whole = hashlib.sha256((folder / BUNDLE).read_bytes()).hexdigest() == bundle.sha256
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return bundle if whole and folder.name == bundle.folder_name else None


def _order(version: str) -> list[tuple[int, int, str]]:
    """Return a sort key by number: a beta precedes its release, which precedes its numbered successors."""
    parts = re.findall(r"\d+|[a-z]+", version)
    return [(1, int(part), "") if part.isdigit() else (-1, 0, part) for part in parts] + [(0, 0, "")]
