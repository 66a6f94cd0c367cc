"""Assaults on the harness: bad files, bad command lines, kills at bad moments. `make assault` runs them.

Each part is a module with `ABOUT`, `add_options` and `run`; a new one is a module and a line in `PARTS`.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Final, Protocol, cast

__all__ = ["PARTS", "Part", "part"]

#: Name to module.
PARTS: Final = {"files": "tests.assault.files", "kills": "tests.assault.kills"}


class Part(Protocol):
    """The attributes that the module of a part has."""

    #: One line for the help.
    ABOUT: str

    def add_options(self, command: argparse.ArgumentParser) -> None:
        """Add the sizes, each with a default."""

    def run(self, options: argparse.Namespace) -> bool:
        """Carry it out, print the figures, and return whether nothing failed."""


def part(name: str) -> Part:
    """Return the part of a name."""
    return cast(Part, importlib.import_module(PARTS[name]))
