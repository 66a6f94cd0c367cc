"""Lets `harness` and `fence` be ours, in a process where packages of these names could be the user's.

A process of ours calls `keep` once, and both names are ours for as long as it lives; the modules of a fence
under test get the user's by `harness.system.user_imports`. A process of the user, such as pytest, has the
user's packages; there `ours` is entered where our code runs.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

__all__ = ["NAMES", "ROOT", "keep", "ours", "start"]

#: Our packages that may share their name with one of the user's.
NAMES = ("harness", "fence")
#: The folder in which our packages are.
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class _Finder:
    """Finds our packages in our folder; all that is in them is found through them."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of one of our packages, None for any other module."""
        return importlib.machinery.PathFinder.find_spec(name, [ROOT]) if name in NAMES else None


_finder = _Finder()
_stash: dict[str, ModuleType] = {}
_depth = 0


def keep() -> None:
    """Let both names be ours in this process, also where others stand before them on the path."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def start(path: Sequence[str]) -> str:
    """Return the first statements of a process of ours that is started with ``python -c``.

    Args:
        path: its `sys.path`.
    """
    return (
        f"import sys; sys.path[:] = [{ROOT!r}, *sys.path]; "
        "from takeover_harness.own_packages import keep; keep(); "
        f"sys.path[:] = {list(path)!r}; "
    )


@contextlib.contextmanager
def ours() -> Iterator[None]:
    """Let both names be ours while this is entered, and the user's afterwards.

    Without a package of the user's of that name nothing changes. Otherwise each side has its modules for
    itself: an import in our code leads to ours, one in the user's to the user's.
    """
    global _depth  # noqa: PLW0603  # `sys.modules` is one for the process, too
    if _depth == 0 and (_finder in sys.meta_path or not any(map(_is_theirs, NAMES))):
        yield
        return
    theirs = _exchange(_stash) if _depth == 0 else {}
    _depth += 1
    try:
        keep()
        yield
    finally:
        _depth -= 1
        if _depth == 0:
            sys.meta_path.remove(_finder)
            _stash.clear()
            _stash.update(_exchange(theirs))


def _is_theirs(name: str) -> bool:
    """Return whether an import of this name in the user's code leads to a package that is not ours."""
    module = sys.modules.get(name)
    spec = importlib.machinery.PathFinder.find_spec(name) if module is None else module.__spec__
    if spec is None:
        return True
    places = [
        *(spec.submodule_search_locations or ()),
        *([os.path.dirname(spec.origin)] if spec.origin else ()),
    ]
    return os.path.join(ROOT, name) not in map(os.path.abspath, places)


def _exchange(modules: dict[str, ModuleType]) -> dict[str, ModuleType]:
    """Put modules in the place of those of both names, and return those."""
    names = [name for name in sys.modules if name.partition(".")[0] in NAMES]
    taken = {name: sys.modules.pop(name) for name in names}
    sys.modules.update(modules)
    return taken
