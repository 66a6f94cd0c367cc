"""Provide cross-process-lock (on npm): a file with a process id and a time, written if it is not there.

A lock that is older than 20 minutes, or than ``lockTimeout``, is written over.
"""

from __future__ import annotations

from fence.targets.locks.node_library import NodeLibrary

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("2.2.0",)
_DEPENDENCIES = {
    "debug ^4.3.4": "debug@4.4.3",
    "debug ^4.4.3": "debug@4.4.3",
    "ms ^2.1.3": "ms@2.1.3",
    "tslib ^2.6.0": "tslib@2.8.1",
    "tslib ^2.8.1": "tslib@2.8.1",
}

_library = NodeLibrary("cross-process-lock", "cross_process_lock.mjs", _DEPENDENCIES)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
