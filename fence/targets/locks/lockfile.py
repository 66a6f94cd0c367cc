"""Provide lockfile (on npm): a lock by O_EXCL.

With ``stale`` a lock that is older is unlinked, and from 1.0 on replaced under a second lock.
"""

from __future__ import annotations

from fence.targets.locks.node_library import NodeLibrary

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("0.4.2", "1.0.4")
_DEPENDENCIES = {"signal-exit ^3.0.2": "signal-exit@3.0.7"}

_library = NodeLibrary("lockfile", "lockfile.mjs", _DEPENDENCIES)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
