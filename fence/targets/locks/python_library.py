"""Lock libraries of the Python index: how one is described, fetched and served.

A description is a module without imports of ours, for it is read twice: here, and by its path in the
process of `serve.py`, which imports nothing but the library. It has

- ``VERSIONS``: those that were tried, oldest first,
- ``KINDS``: by variant, the kind of its lock, a name of `fence.locks.KINDS`; the usual lock is ``""``,
- ``make_lock(module, variant, transcript, timeout_s)``: returns the library's lock for a transcript, with
  methods ``acquire`` and ``release``, and the exception that says that it could not be had in time; ``()``
  where ``acquire`` returns False instead. The library is `module`; a negative time means for ever. A third
  result, if there is one, is the exception by which ``release`` says that the lock was lost.

and it may have

- ``MODULE``: the module to import, where it is not called as the library is; ``oslo_concurrency.lockutils``,
- ``REQUIRES``: what the library imports besides, as ``name==version``, each with its hash in ``pinned.json``.
  psutil and PyYAML are not listed: the interpreter has them, because the harness needs them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from fence.targets import pypi
from fence.targets.locks import HERE, Library
from fence.targets.locks.cached_library import CachedLibrary
from fence.targets.target_error import TargetError

__all__ = ["PythonLibrary"]


class PythonLibrary:
    """The target that a description stands for.

    Args:
        name: on the index; the library's only module or package is called so, too.
        description: a module as above.
    """

    def __init__(self, name: str, description: ModuleType) -> None:
        self._name = name
        missing = [one for one in ("VERSIONS", "KINDS", "__file__") if not getattr(description, one, None)]
        if missing or "" not in description.KINDS:
            lacks = ", ".join(missing) or 'kind of the variant ""'
            raise TargetError(
                f"{name}: {description.__name__} has no {lacks}; see fence.targets.locks.python_library"
            )
        self._description = str(description.__file__)
        self._module = str(getattr(description, "MODULE", name))
        self._requires: tuple[str, ...] = tuple(getattr(description, "REQUIRES", ()))
        self.VERSIONS: tuple[str, ...] = tuple(description.VERSIONS)
        variants = tuple(variant for variant in description.KINDS if variant)
        self._library = Library(name, lambda version: variants, self._unpack, self._words)

    def fetch(self, version: str, say: Callable[[str], None]) -> CachedLibrary:
        """Fetch a version, unless it is in the cache."""
        return self._library.fetch(version, say)

    def fetched(self) -> list[CachedLibrary]:
        """Return what is in the cache."""
        return self._library.fetched()

    def command(self, reference: str) -> str:
        """Return the command that serves it."""
        return self._library.command(reference)

    def _unpack(self, version: str, folder: Path, shop: Path) -> str:
        """Fetch and unpack a version and what it imports; returns their hashes."""
        spec = f"{self._name}=={version}"
        pinned: dict[str, str] = json.loads((HERE / "pinned.json").read_text(encoding="utf-8"))
        sha256 = pinned.get(spec) or pypi.sha256_of(spec)
        archive = pypi.fetch(spec, sha256, shop / "archive")
        pypi.unpack(archive, folder, self._is_wanted)
        hashes = [sha256]
        for required in self._requires:
            archive = pypi.fetch(required, pinned[required], shop / required)
            pypi.unpack(archive, folder, lambda path: path.endswith((".py", "METADATA")))
            hashes.append(pinned[required])
        return " ".join(f"sha256-{one}" for one in hashes)

    def _is_wanted(self, path: str) -> bool:
        name = self._module.partition(".")[0]
        # A source distribution may have its packages in a folder of their own.
        inside = path.removeprefix("src/")
        module = inside == f"{name}.py" or (inside.startswith(f"{name}/") and inside.endswith(".py"))
        return module or "LICENSE" in path.rpartition("/")[2]

    def _words(self, package: CachedLibrary, variant: str) -> tuple[str, ...]:
        """The command that serves a lock of a package."""
        script, files = str(HERE / "serve.py"), str(package.files)
        words: tuple[str, ...] = (self._description, files, package.name, package.version, variant)
        if self._module != self._name:
            words += (self._module,)
        return sys.executable, "-I", "-B", script, *words
