"""Digests of the code of a run: only the same code, and the same Python, makes the same schedules."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from collections.abc import Iterable

import fence
from fence.external import PREFIX
from fence.registry import outside_files

__all__ = ["code_digest", "fence_digest", "files_of", "harness_digest", "python_version"]

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def code_digest() -> str:
    """Return that of the harness, of all fences that come with it, and of the extensions in use."""
    return _digest([*_own_files(), *outside_files()])


def harness_digest() -> str:
    """Return that of the harness and of all fences that come with it."""
    return _digest(_own_files())


def python_version() -> str:
    """Return the implementation and version of this Python; another one may make other file calls."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def fence_digest(reference: str) -> str:
    """Return the digest of the files that a reference to a user's fence names; empty where it names none.

    The files that those import or load are not known without running them.
    """
    return _digest(files_of(reference))


def files_of(reference: str) -> list[str]:
    """Return the files that a reference to a user's fence or invariant names, as it names them."""
    if reference in fence.FENCES:
        return []
    if reference.startswith(PREFIX):
        try:
            words = shlex.split(reference.removeprefix(PREFIX))
        except ValueError:
            return []
        return [word for word in words if os.path.isfile(word)]
    module, _, _ = reference.rpartition(":")
    return [module] if module.endswith(".py") else _found(module)


def _own_files() -> list[str]:
    roots = (_HERE, os.path.dirname(os.path.abspath(fence.__file__)))
    return [path for root in roots for path in sorted(_sources(root))]


def _sources(root: str) -> Iterable[str]:
    for folder, _, names in os.walk(root):
        yield from (os.path.join(folder, name) for name in names if name.endswith((".py", ".mjs", ".js")))


def _found(module: str) -> list[str]:
    """Return the file of a module, without an import, which could have any effect."""
    stem = os.path.join(*module.split(".")) if module else ""
    places = (os.path.join(entry or ".", stem + end) for entry in sys.path for end in (".py", "/__init__.py"))
    return [next(filter(os.path.isfile, places), "")] if stem else []


def _digest(paths: Iterable[str]) -> str:
    whole = hashlib.blake2b(digest_size=8)
    seen = False
    for path in paths:
        try:
            with open(path, "rb") as file:
                whole.update(hashlib.blake2b(file.read(), digest_size=16).digest())
            seen = True
        except OSError:
            continue
    return whole.hexdigest() if seen else ""
