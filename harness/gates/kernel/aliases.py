"""Stable names: what a history calls the names of the session directory.

A name may hold a process id or random letters. Histories of one schedule are the same with any of these,
so such a name is called by a number, in order of appearance.
"""

from __future__ import annotations

import re
from typing import Final

from harness.gates.kernel.laid_files import TRANSCRIPT

__all__ = ["Aliases"]

_PLAIN: Final = re.compile(r"[a-z.\-]+\Z")
#: Of names in directories, such as HEAD.lock; random ones mix small letters and capitals.
_PLAIN_BELOW: Final = re.compile(r"(?:[a-z._\-]+|[A-Z_]+(?:\.[a-z.]+)?)\Z")


class Aliases:
    """The stable names of one schedule."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {TRANSCRIPT: "T", ".": "."}
        self._strange = 0

    def set(self, name: str, alias: str) -> None:
        """Call a name by this one from now on."""
        self._known[name] = alias

    def of(self, name: str) -> str:
        """Return the stable name: ``T`` the transcript, ``T.x`` a sidecar, ``dir/x`` in a directory."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._below(name) if "/" in name else self._beside(name)
        return known

    def of_directory(self, name: str) -> None:
        """Call a directory that is made by its own name, unless that holds digits and the like."""
        if "/" not in name and not name.startswith((TRANSCRIPT, "T")) and _PLAIN_BELOW.match(name):
            self._known[name] = name

    def of_nameless(self) -> str:
        """Return a name for a file that has none."""
        self._strange += 1
        return f"tmp{self._strange}"

    def _beside(self, name: str) -> str:
        suffix = name[len(TRANSCRIPT) :] if name.startswith(TRANSCRIPT) else None
        return "T" + suffix if suffix and _PLAIN.match(suffix) else self.of_nameless()

    def _below(self, name: str) -> str:
        directory, _, last = name.rpartition("/")
        if "/" not in directory:
            self.of_directory(directory)
        return f"{self.of(directory)}/{last if _PLAIN_BELOW.match(last) else self.of_nameless()}"
