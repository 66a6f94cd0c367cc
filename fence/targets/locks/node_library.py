"""Lock libraries of npm: how one is fetched and served.

A module beside it, in JavaScript, describes the library to `serve.mjs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from fence.targets import npm
from fence.targets.locks import HERE, Library
from fence.targets.locks.cached_library import CachedLibrary
from fence.targets.locks.trial import fault_of
from fence.targets.openclaw.tools import host, node
from fence.targets.target_error import TargetError

__all__ = ["NodeLibrary"]

_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


class NodeLibrary:
    """The functions of a target's module.

    Args:
        name: on npm.
        description: file of the module that `serve.mjs` imports.
        dependencies: name and range, as packages write them, to the version that is taken, ``name@version``,
            whose hash is in ``pinned.json``.
        folder: has the description, and a `serve.mjs` that takes a variant after it.
        variants: of each version.
        what, document: see `Library`.
    """

    def __init__(
        self,
        name: str,
        description: str,
        dependencies: Mapping[str, str],
        folder: Path = HERE,
        variants: tuple[str, ...] = (),
        what: str = "lock",
        document: str = "docs/locks.md",
    ) -> None:
        self._name = name
        self._folder = folder
        self._description = description
        self._dependencies = dependencies
        self._library = Library(
            name, lambda version: variants, self._unpack, self._words, fault_of, what, document
        )
        self.fetch: Callable[[str, Callable[[str], None]], CachedLibrary] = self._library.fetch
        self.fetched = self._library.fetched
        self.command = self._library.command

    def _unpack(self, version: str, folder: Path, shop: Path) -> str:
        """Fetch and unpack a version and its dependencies; returns their hashes."""
        spec = f"{self._name}@{version}"
        if not _VERSION.fullmatch(version):
            # npm would take it for a range, and its newest version is another one tomorrow.
            raise TargetError(f"{spec}: expected a whole version, as in {self._name}@1.0.4")
        integrity = npm.integrity_of(spec)
        modules = folder / "node_modules"
        npm.unpack(npm.fetch(spec, integrity, shop / "archive"), modules / self._name, _is_wanted)
        pinned: dict[str, str] = json.loads((HERE / "pinned.json").read_text(encoding="utf-8"))
        hashes = [integrity]
        waiting, there = [self._name], {self._name}
        while waiting:
            of = waiting.pop(0)
            for name, wanted in _dependencies(modules / of):
                found = self._dependencies.get(f"{name} {wanted}")
                if found is None:
                    raise TargetError(
                        f"{spec}: cannot run: no version is known for its dependency {name} {wanted}; "
                        f"choose another version of {self._name}"
                    )
                if name in there:
                    continue
                npm.unpack(npm.fetch(found, pinned[found], shop / name), modules / name, _is_wanted)
                hashes.append(pinned[found])
                there.add(name)
                waiting.append(name)
        return " ".join(hashes)

    def _words(self, package: CachedLibrary, variant: str) -> tuple[str, ...]:
        """Return the command that serves a package."""
        name = f"{package.name} {package.version}"
        script, described = self._folder / "serve.mjs", self._folder / self._description
        words = (node(), str(script), str(host()), str(package.files), name, str(described))
        return (*words, variant) if variant else words


def _dependencies(folder: Path) -> list[tuple[str, str]]:
    """Return names and ranges of a package's dependencies."""
    facts = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    return sorted((facts.get("dependencies") or {}).items())


def _is_wanted(path: str) -> bool:
    return path.endswith((".js", "package.json")) or "LICENSE" in path
