"""Register targets: released software, fetched unmodified by the user, that runs as a fence.

None of its code is here. A member knows how to fetch a version into the `cache` and the
command that serves it as an external fence. A new one is a module and a line in `TARGETS`; from outside
it is an entry point of the group ``takeover_harness.targets`` that names the module.

The module is a `Target`, or it describes a lock library of the Python index and has a function
``make_lock``: see `fence.targets.locks.python_library`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

from fence.registry import Registry
from fence.targets.target_error import TargetError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["LOCK_OPTIONS", "TARGETS", "Fetched", "Target", "TargetError", "command", "is_target", "target_of"]

#: Name to module.
TARGETS: Final[Registry[str]] = Registry(
    "target",
    "takeover_harness.targets",
    {
        "openclaw": "fence.targets.openclaw",
        "filelock": "fence.targets.locks.filelock",
        "portalocker": "fence.targets.locks.portalocker",
        "fasteners": "fence.targets.locks.fasteners",
        "flufl.lock": "fence.targets.locks.flufl_lock",
        "zc.lockfile": "fence.targets.locks.zc_lockfile",
        "oslo.concurrency": "fence.targets.locks.oslo_concurrency",
        "proper-lockfile": "fence.targets.locks.proper_lockfile",
        "lockfile": "fence.targets.locks.lockfile",
        "cross-process-lock": "fence.targets.locks.cross_process_lock",
        "pi-coding-agent": "fence.targets.stores.pi_coding_agent",
        "oh-my-pi": "fence.targets.stores.oh_my_pi",
        "write-file-atomic": "fence.targets.writers.write_file_atomic",
    },
    lambda name, module: (
        "" if module and "@" not in name else "expected NAME = MODULE, the name without an @"
    ),
    # The module is not imported before it is asked for.
    load=lambda point: point.module,
    error=TargetError,
)


#: Options of the adapters of lock libraries, beside those of a kind of lock.
LOCK_OPTIONS: Final = ("lock_dies_with",)
_NEEDED: Final = ("VERSIONS", "fetch", "fetched", "command")


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

    def fetched(self) -> Sequence[Fetched]:
        """Return the versions that are in the cache."""

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
        TargetError: there is no such target, or its module is none.
    """
    name = reference.partition("@")[0]
    if name not in TARGETS:
        raise TargetError(
            f"{reference}: unknown target, expected one of {', '.join(TARGETS)}, as in openclaw@VERSION"
        )
    module = _imported(name)
    if hasattr(module, "make_lock"):
        from fence.targets.locks.python_library import PythonLibrary

        return PythonLibrary(name, module)
    missing = [one for one in _NEEDED if not hasattr(module, one)]
    if missing:
        raise TargetError(f"{name}: {module.__name__} has no {', '.join(missing)}; see fence.targets.Target")
    return cast(Target, module)


def _imported(name: str) -> ModuleType:
    if name in TARGETS.built_in:
        return importlib.import_module(TARGETS[name])
    try:
        return importlib.import_module(TARGETS[name])
    except Exception as error:  # a foreign module may raise anything while it is imported
        raise TargetError(
            f"{name}: importing {TARGETS[name]} failed: {type(error).__name__}: {error}; mend or uninstall it"
        ) from error


def command(reference: str) -> str:
    """Return the command behind ``--fence NAME@VERSION``, for `fence.external`.

    Raises:
        TargetError: the version is not in the cache.
    """
    return target_of(reference).command(reference)
