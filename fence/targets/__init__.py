"""Register targets: released software, fetched unmodified by the user, that runs as a fence.

None of its code is in this repository. The module of a target fetches a version into the `cache` and
returns the command that serves it as an external fence. A new target is a module and a line in `TARGETS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from fence.targets.target_error import TargetError

__all__ = ["TARGETS", "Fetched", "Target", "TargetError", "command", "is_target", "target_of"]

#: Maps a name to a module.
TARGETS: dict[str, str] = {
    "openclaw": "fence.targets.openclaw",
    "filelock": "fence.targets.locks.filelock",
    "portalocker": "fence.targets.locks.portalocker",
    "fasteners": "fence.targets.locks.fasteners",
    "proper-lockfile": "fence.targets.locks.proper_lockfile",
}


class Fetched(Protocol):
    """The facts about a version in the cache."""

    @property
    def version(self) -> str:
        """Return the version as the registry writes it."""

    @property
    def fences(self) -> tuple[str, ...]:
        """Return the references that `--fence` accepts for it."""

    @property
    def integrity(self) -> str:
        """Return the hash of the package that it was made from."""

    @property
    def folder(self) -> Path:
        """Return its folder."""

    @property
    def summary(self) -> str:
        """Return a short description of its content."""


class Target(Protocol):
    """The functions of a target's module."""

    #: Versions that were tested, oldest first.
    VERSIONS: tuple[str, ...]

    def fetch(self, version: str, say: Callable[[str], None]) -> Fetched:
        """Fetch a version, unless it is in the cache."""

    def fetched(self) -> list[Fetched]:
        """Return the versions in the cache."""

    def command(self, reference: str) -> str:
        """Return the command that serves a version."""


def is_target(reference: str) -> bool:
    """Return whether a reference has the form of a target's, ``name@version``."""
    name, at, _ = reference.partition("@")
    return bool(at) and name in TARGETS


def target_of(reference: str) -> Target:
    """Return the module of a target.

    Args:
        reference: ``name`` or ``name@version``.

    Raises:
        TargetError: there is no such target.
    """
    name = reference.partition("@")[0]
    if name not in TARGETS:
        raise TargetError(
            f"{reference}: unknown target, expected one of {', '.join(TARGETS)}, as in openclaw@VERSION"
        )
    return cast(Target, importlib.import_module(TARGETS[name]))


def command(reference: str) -> str:
    """Return the command behind ``--fence NAME@VERSION``, for `fence.external`.

    Raises:
        TargetError: the version is not in the cache.
    """
    return target_of(reference).command(reference)
