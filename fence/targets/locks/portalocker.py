"""Provide portalocker (on PyPI): ``Lock`` by flock, and as ``+temporary`` its ``TemporaryFileLock``.

The latter unlinks its file at each release; from 4.0 on it checks whether the file still has its name.
"""

from __future__ import annotations

from fence.targets.locks import Library
from fence.targets.locks.python_library import Unpacks, served

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("2.10.1", "3.2.0", "4.4.2")

_library = Library("portalocker", lambda version: ("temporary",), Unpacks("portalocker"), served)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
