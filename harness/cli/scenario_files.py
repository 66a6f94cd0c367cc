"""Finds the scenario files that the user named: files as they are, folders by their ``*.yaml``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from harness.model.errors import UsageError

__all__ = ["scenario_files"]

#: More than a folder of scenarios has; a whole disk has more.
_FOLDERS_MAX = 10_000


def scenario_files(names: Sequence[str]) -> list[str]:
    """Return the files to load; a folder stands for the files in it, in the order of their names.

    Raises:
        UsageError: a folder has no scenario or too many folders, or a file name cannot be printed.
    """
    files: list[str] = []
    for name in names:
        if not os.path.isdir(name):
            files.append(name)
            continue
        found = sorted(_inside(name))
        for path in found:
            if not path.isprintable():
                raise UsageError(f"{path!r}: a file name that cannot be printed; rename it")
        if not found:
            raise UsageError(f"{name}: no scenario (*.yaml) in this folder")
        files += found
    return list(dict.fromkeys(files))


def _inside(name: str) -> Iterator[str]:
    """Yield the scenario files in a folder and the folders in it."""
    for number, (folder, _, files) in enumerate(os.walk(name)):
        if number == _FOLDERS_MAX:
            raise UsageError(f"{name}: has more than {_FOLDERS_MAX} folders; name the one with the scenarios")
        yield from (os.path.join(folder, file) for file in files if file.endswith((".yaml", ".yml")))
