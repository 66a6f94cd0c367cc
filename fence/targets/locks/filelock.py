"""Provide filelock (on PyPI): ``FileLock`` by flock, and as ``+soft`` its ``SoftFileLock`` by O_EXCL.

From 3.24 on ``SoftFileLock`` breaks the lock of a dead holder; from 3.21 to 3.28 ``FileLock`` unlinks its
file at each release, as 3.0.0 did, but checks whether the file still has a name.
"""

from __future__ import annotations

from fence.targets.locks import Library
from fence.targets.locks.python_library import Unpacks, served

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("3.0.0", "3.12.0", "3.20.3", "3.21.0", "3.25.2", "3.29.7", "3.32.7", "4.2.12")

_library = Library("filelock", lambda version: ("soft",), Unpacks("filelock"), served)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
