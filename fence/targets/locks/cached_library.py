"""Describe a lock library in the cache: a folder with its released files and a file of facts about them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

__all__ = ["FILES", "CachedLibrary", "made_of", "read_all"]

FILES = "files"
_FACTS = "target.json"
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class CachedLibrary:
    """A version in the cache.

    Args:
        name: name of the library.
        version: as the registry writes it.
        integrity: hash of its archive, and those of its dependencies.
        sha256: hash of the unpacked files.
        variants: its locks besides the usual one, see `fence.targets.locks`.
        lacking: locks of other versions that this one does not have.
        bytes: size of the unpacked files.
        folder: its folder.
    """

    name: str
    version: str
    integrity: str
    sha256: str
    variants: tuple[str, ...]
    bytes: int
    folder: Path
    lacking: tuple[str, ...] = ()

    @property
    def fences(self) -> tuple[str, ...]:
        """Return the references that `--fence` accepts for it."""
        bare = f"{self.name}@{self.version}"
        return (bare, *(f"{bare}+{one}" for one in self.variants))

    @property
    def files(self) -> Path:
        """Return the folder of the released files."""
        return self.folder / FILES

    @property
    def folder_name(self) -> str:
        """Return a name that is unique for the archives that it was made from."""
        return f"{self.version}-{hashlib.sha256(self.integrity.encode()).hexdigest()[:16]}"

    @property
    def summary(self) -> str:
        """Return a short description of its content."""
        return f"{self.bytes / 1000:.0f} kB as released"


def made_of(
    folder: Path,
    name: str,
    version: str,
    integrity: str,
    variants: tuple[str, ...],
    lacking: tuple[str, ...] = (),
) -> CachedLibrary:
    """Return a description of newly unpacked files, and store it in their folder.

    Args:
        folder: has the files below `FILES`.
        name, version, integrity, variants, lacking: as in `CachedLibrary`.
    """
    sha256, size = _sum_of(folder / FILES)
    package = CachedLibrary(name, version, integrity, sha256, variants, size, folder, lacking)
    stored = {"format": _FORMAT, **dataclasses.asdict(package)}
    del stored["folder"]
    if not lacking:
        # So that an older harness, which shares the cache, reads it, too.
        del stored["lacking"]
    (folder / _FACTS).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return package


def read_all(place: Path) -> list[CachedLibrary]:
    """Return the packages below a folder whose files are unchanged, oldest version first."""
    if not place.is_dir():
        return []
    found = [_read(folder) for folder in place.iterdir()]
    return sorted((one for one in found if one is not None), key=lambda one: _order(one.version))


def _read(folder: Path) -> CachedLibrary | None:
    try:
        stored: dict[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if stored.pop("format") != _FORMAT:
            return None
        for name in ("variants", "lacking"):
            stored[name] = tuple(stored.get(name, ()))
        package = CachedLibrary(**stored, folder=folder)
        whole = _sum_of(package.files)[0] == package.sha256
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return package if whole and folder.name == package.folder_name else None


def _sum_of(folder: Path) -> tuple[str, int]:
    """Return the hash of names and bytes of all files, and the number of bytes."""
    digest, size = hashlib.sha256(), 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
        size += len(data)
    return digest.hexdigest(), size


def _order(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
