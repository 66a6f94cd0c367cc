"""Find what comes with the harness beside its source: scenarios, documents, examples."""

from __future__ import annotations

import os

from takeover_harness.own_packages import ROOT

__all__ = ["is_installed", "shipped"]

_INSTALLED = os.path.join(ROOT, "takeover_harness", "shipped")


def shipped(name: str) -> str:
    """Return the path of a folder or file that comes with the harness: in the package, or the repository.

    Args:
        name: relative to the top of the repository.
    """
    return os.path.join(_INSTALLED if os.path.isdir(_INSTALLED) else ROOT, name)


def is_installed(path: str) -> bool:
    """Return whether a path is in the installed package, and so is no place for files of the user."""
    return os.path.realpath(path).startswith(os.path.join(os.path.realpath(_INSTALLED), ""))
