"""Tell the owner of a source file, its name in messages, and what a line of it says."""

from __future__ import annotations

import functools
import linecache
import os

from takeover_harness.own_packages import ROOT

__all__ = ["OURS", "USERS", "WATCHED", "is_inherited", "owner_of", "short", "source_line", "whole"]

#: Owners of a file: of the harness or of Python; a module of `fence`; a user's.
OURS, WATCHED, USERS = range(3)


def _folder(path: str) -> str:
    return os.path.join(os.path.realpath(path), "")


#: Our packages are installed side by side.
_ROOT = _folder(ROOT)
_HARNESS = tuple(_folder(os.path.join(_ROOT, name)) for name in ("harness", "takeover_harness"))
_FENCE = _folder(os.path.join(_ROOT, "fence"))
#: It passes the calls on to a fence that is another program, whose lines Python does not see.
_EXTERNAL = _folder(os.path.join(_ROOT, "fence", "external"))
_PYTHON = _folder(os.path.dirname(os.__file__))
_INSTALLED = ("/site-packages/", "/dist-packages/")


def _here() -> str:
    try:
        return _folder(os.getcwd())
    except OSError:  # it was removed
        return "\0"


#: Where the user has called the harness.
_HERE = _here()


@functools.cache
def owner_of(path: str) -> int:
    """Return whose a source file is: `OURS`, `WATCHED` or `USERS`.

    Args:
        path: as code objects have it.
    """
    if path.startswith("<"):
        return OURS
    real = os.path.realpath(path)
    if real.startswith(_FENCE):
        return OURS if real.startswith(_EXTERNAL) else WATCHED
    ours = real.startswith((*_HARNESS, _PYTHON)) or any(folder in real for folder in _INSTALLED)
    return OURS if ours else USERS


@functools.cache
def short(path: str) -> str:
    """Return the name of a source file for messages: relative where it is below this folder or our own."""
    for folder in (_HERE, _ROOT):
        if path.startswith(folder):
            return path[len(folder) :]
    return path


def is_inherited(path: str) -> bool:
    """Return whether a file is the one of the protocol, whose methods a fence inherits."""
    return os.path.realpath(path) == os.path.join(_FENCE, "protocol.py")


def source_line(path: str, line: int) -> str:
    """Return a line of a source file without its indentation; empty where it cannot be read."""
    return linecache.getline(path, line).strip()


def whole(path: str) -> str:
    """Return the name of a source file that `short` has made shorter."""
    if os.path.isabs(path) or path.startswith("<"):
        return path
    here = os.path.join(_HERE, path)
    return here if os.path.exists(here) else os.path.join(_ROOT, path)
