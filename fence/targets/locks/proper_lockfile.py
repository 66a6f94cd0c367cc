"""Provide proper-lockfile (on npm): a lock by a directory, which its holder touches every five seconds.

A lock that was not touched for ten seconds is reclaimed: removed, then made anew.
"""

from __future__ import annotations

from fence.targets.locks.node_library import NodeLibrary

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("3.0.1", "3.2.0", "4.1.2")
#: Each version was the newest in the range.
_DEPENDENCIES = {
    "graceful-fs ^4.1.11": "graceful-fs@4.2.11",
    "graceful-fs ^4.2.4": "graceful-fs@4.2.11",
    "retry ^0.10.1": "retry@0.10.1",
    "retry ^0.12.0": "retry@0.12.0",
    "signal-exit ^3.0.2": "signal-exit@3.0.7",
}

_library = NodeLibrary("proper-lockfile", "proper_lockfile.mjs", _DEPENDENCIES)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
