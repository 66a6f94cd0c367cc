"""Loads the compiled modules of the explorer's hot path where they are there, and says which it is.

`harness.tools.compiling` makes them (``make compiled``), in the folder `FOLDER`. They carry the digest of
each source that they were made of. Where one source is another by now, or this is another Python, none of
them is loaded: the modules are imported from their source, as they are where nothing was compiled.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

__all__ = [
    "FOLDER",
    "LIBRARY",
    "ROOT",
    "SUFFIX",
    "WANTED",
    "Finder",
    "Manifest",
    "digest",
    "install",
    "state",
]

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "harness", "compiled")
#: Of the compiled modules' files: it names the Python that can load them.
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
#: The module with the code of all compiled modules; the others only name a part of it.
LIBRARY = "harness_compiled__mypyc"
#: Environment variable: ``no`` to leave the compiled modules alone, ``must`` to refuse to run without them.
WANTED = "HARNESS_COMPILED"
_MANIFEST = "sources"


class Manifest:
    """The sources that the compiled modules were made of.

    Args:
        modules: that are compiled.
        sources: digest by file, below the folder with our packages.
        python: version of the Python that can load them.
    """

    def __init__(self, modules: Sequence[str], sources: Mapping[str, str], python: str = sys.version) -> None:
        self.modules = tuple(modules)
        self.sources = dict(sources)
        self.python = " ".join(python.split())

    def write(self, folder: str) -> None:
        """Write it beside the compiled modules."""
        lines = [self.python, " ".join(self.modules)]
        lines += [f"{found} {file}" for file, found in sorted(self.sources.items())]
        with open(os.path.join(folder, _MANIFEST), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    @classmethod
    def read(cls, folder: str) -> Manifest:
        """Return the one in a folder.

        Raises:
            OSError: there is none.
        """
        with open(os.path.join(folder, _MANIFEST), encoding="utf-8") as file:
            python, modules, *sources = file.read().splitlines()
        pairs = (line.split(" ", 1) for line in sources)
        return cls(modules.split(), {file: found for found, file in pairs}, python)

    def why_not(self, root: str) -> str:
        """Return why the compiled modules must not be loaded, empty where they may be.

        Args:
            root: the folder with our packages.
        """
        if self.python != " ".join(sys.version.split()):
            return "they were made for another Python"
        for file, found in self.sources.items():
            if digest(os.path.join(root, file)) != found:
                return f"they were made of another {file}"
        return ""


def digest(path: str) -> str:
    """Return the digest of a source; empty where there is none."""
    import _blake2

    try:
        with open(path, "rb", buffering=0) as file:
            return _blake2.blake2b(file.read(), digest_size=16).hexdigest()
    except OSError:
        return ""


class Finder:
    """Finds the compiled modules of a folder, if they are made of the sources that are there.

    Args:
        folder: with the compiled modules.
        root: with our packages.
        manifest: of the folder.
    """

    def __init__(self, folder: str, root: str, manifest: Manifest) -> None:
        self._folder = folder
        self._root = root
        self._manifest = manifest
        self._modules = frozenset((*manifest.modules, LIBRARY))
        self._why_not: str | None = None

    def why_not(self) -> str:
        """Return why the compiled modules are not loaded; empty where they are."""
        if self._why_not is None:
            # At the first module that is compiled: a command that needs none of them pays nothing.
            self._why_not = self._manifest.why_not(self._root)
        return self._why_not

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a compiled module; None for any other, and where none is to be loaded."""
        if name not in self._modules or not self._is_ours(name, path):
            return None
        if why := self.why_not():
            _refuse_if_wanted(why)
            return None
        place = os.path.join(self._folder, name + SUFFIX)
        loader = importlib.machinery.ExtensionFileLoader(name, place)
        return importlib.machinery.ModuleSpec(name, loader, origin=place)

    def _is_ours(self, name: str, path: Sequence[str] | None) -> bool:
        """Return whether a module is asked for in our packages, and not in the user's of the same name."""
        if path is None:
            return name == LIBRARY
        folder = os.path.join(self._root, *name.split(".")[:-1])
        return any(os.path.abspath(entry) == folder for entry in path)


_finder: Finder | None = None
_refused = ""


def _refuse_if_wanted(why: str) -> None:
    if os.environ.get(WANTED) == "must":
        sys.exit(f"{WANTED}=must, but the compiled modules cannot be used: {why}; run `make compiled`")


def install() -> None:
    """Have the compiled modules loaded in this process, where there are some that may be."""
    global _finder, _refused  # noqa: PLW0603  # of this process, as `sys.meta_path` is
    if _finder is not None:
        return
    if os.environ.get(WANTED) == "no":
        _refused = f"{WANTED}=no"
        return
    try:
        _finder = Finder(FOLDER, ROOT, Manifest.read(FOLDER))
    except (OSError, ValueError):
        _refuse_if_wanted("there are none")
        return
    sys.meta_path.insert(0, _finder)


def state() -> str:
    """Return ``compiled``, or ``not compiled`` with the reason where compiled modules are there."""
    why = _refused if _finder is None else _finder.why_not()
    if _finder is not None and not why:
        return "compiled"
    return f"not compiled ({why})" if why else "not compiled"
