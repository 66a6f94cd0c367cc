"""Provide proper-lockfile (on npm): a lock by a directory, which its holder touches every five seconds.

A lock that was not touched for ten seconds is reclaimed: removed, then made anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from fence.targets import npm
from fence.targets.locks import HERE, Library
from fence.targets.locks.cached_library import CachedLibrary
from fence.targets.openclaw.tools import host, node
from fence.targets.target_error import TargetError

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("3.0.1", "3.2.0", "4.1.2")
_NAME = "proper-lockfile"
#: Its dependencies by name and range; each version was the newest in the range.
_DEPENDENCIES = {
    "graceful-fs ^4.1.11": "graceful-fs@4.2.11",
    "graceful-fs ^4.2.4": "graceful-fs@4.2.11",
    "retry ^0.10.1": "retry@0.10.1",
    "retry ^0.12.0": "retry@0.12.0",
    "signal-exit ^3.0.2": "signal-exit@3.0.7",
}


def _unpack(version: str, folder: Path, shop: Path) -> str:
    spec = f"{_NAME}@{version}"
    integrity = npm.integrity_of(spec)
    modules = folder / "node_modules"
    npm.unpack(npm.fetch(spec, integrity, shop / "archive"), modules / _NAME, _is_wanted)
    output = json.loads((modules / _NAME / "package.json").read_text(encoding="utf-8"))
    pinned: dict[str, str] = json.loads((HERE / "pinned.json").read_text(encoding="utf-8"))
    hashes = [integrity]
    for name, wanted in sorted(output.get("dependencies", {}).items()):
        found = _DEPENDENCIES.get(f"{name} {wanted}")
        if found is None:
            raise TargetError(f"{spec}: cannot run: no version is known for its dependency {name} {wanted}")
        npm.unpack(npm.fetch(found, pinned[found], shop / name), modules / name, _is_wanted)
        hashes.append(pinned[found])
    return " ".join(hashes)


def _is_wanted(path: str) -> bool:
    return path.endswith((".js", "package.json")) or "LICENSE" in path


def _words(package: CachedLibrary, variant: str) -> tuple[str, ...]:
    del variant
    name = f"{package.name} {package.version}"
    return node(), str(HERE / "serve.mjs"), str(host()), str(package.files), name


_library = Library(_NAME, lambda version: (), _unpack, _words)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
