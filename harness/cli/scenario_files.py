"""Finds the scenario files that the user named: files as they are, folders by their ``*.yaml``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from harness.model.errors import UsageError

__all__ = ["scenario_files"]


def scenario_files(names: Sequence[str]) -> list[str]:
    """Return the files to load; a folder stands for the files in it, in the order of their names.

    Raises:
        UsageError: a folder has no scenario, or a file name cannot be printed.
    """
    files: list[str] = []
    for name in names:
        if not os.path.isdir(name):
            files.append(name)
            continue
        found = sorted(
            os.path.join(folder, file)
            for folder, _, inside in os.walk(name)
            for file in inside
            if file.endswith((".yaml", ".yml"))
        )
        for path in found:
            if not path.isprintable():
                raise UsageError(f"{path!r}: a file name that cannot be printed; rename it")
        if not found:
            raise UsageError(f"{name}: no scenario (*.yaml) in this folder")
        files += found
    return list(dict.fromkeys(files))
