"""Provide fasteners (on PyPI): ``InterProcessLock``, a record lock on a file that stays."""

from __future__ import annotations

from fence.targets.locks import Library
from fence.targets.locks.python_library import Unpacks, served

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("0.17.3", "0.18", "0.20")

_library = Library("fasteners", lambda version: (), Unpacks("fasteners"), served)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
