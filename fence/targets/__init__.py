"""Targets: released software, fetched unmodified by the user, that runs as a fence.

None of its code is here. A member knows how to fetch a version into the `cache` and the
command that serves it as an external fence. A new one is a module and a line in `TARGETS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from fence.targets.target_error import TargetError

__all__ = ["TARGETS", "Fetched", "Target", "TargetError", "command", "is_target", "target_of"]

#: Name to module.
TARGETS: dict[str, str] = {
    "openclaw": "fence.targets.openclaw",
    "filelock": "fence.targets.locks.filelock",
    "portalocker": "fence.targets.locks.portalocker",
    "fasteners": "fence.targets.locks.fasteners",
    "proper-lockfile": "fence.targets.locks.proper_lockfile",
}


class Fetched(Protocol):
    """What is known of a version in the cache."""

    @property
    def version(self) -> str:
        """As the registry writes it."""

    @property
    def fences(self) -> tuple[str, ...]:
        """What `--fence` takes for it."""

    @property
    def integrity(self) -> str:
        """Hash of the package that it was made from."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def told(self) -> str:
        """What was made of it, in some words."""


class Target(Protocol):
    """A module of this folder."""

    #: Versions that were tried, oldest first.
    VERSIONS: tuple[str, ...]

    def fetch(self, version: str, say: Callable[[str], None]) -> Fetched:
        """Fetch a version, unless it is in the cache."""

    def fetched(self) -> list[Fetched]:
        """What is in the cache."""

    def command(self, reference: str) -> str:
        """The command that serves it."""


def is_target(reference: str) -> bool:
    """Whether a reference has the form of a target's, ``name@version``."""
    name, at, _ = reference.partition("@")
    return bool(at) and name in TARGETS


def target_of(reference: str) -> Target:
    """The module of a target.

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
    """The command behind ``--fence NAME@VERSION``, for `fence.external`.

    Raises:
        TargetError: it is not in the cache.
    """
    return target_of(reference).command(reference)
