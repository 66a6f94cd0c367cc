"""Provide write-file-atomic (ISC licence, on npm): a temporary file beside the path, renamed over it.

Variants: ``+sync`` uses ``writeFileSync``; with ``+unlocked`` no lane takes a lock.
"""

from __future__ import annotations

from fence.targets.locks.node_library import NodeLibrary
from fence.targets.writers import HERE

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("2.4.3", "8.0.0")
_DEPENDENCIES = {
    "graceful-fs ^4.1.11": "graceful-fs@4.2.11",
    "imurmurhash ^0.1.4": "imurmurhash@0.1.4",
    "is-typedarray ^1.0.0": "is-typedarray@1.0.0",
    "signal-exit ^3.0.2": "signal-exit@3.0.7",
    "signal-exit ^4.0.1": "signal-exit@4.1.0",
    "typedarray-to-buffer ^3.1.5": "typedarray-to-buffer@3.1.5",
}

_library = NodeLibrary(
    "write-file-atomic",
    "write_file_atomic.mjs",
    _DEPENDENCIES,
    folder=HERE,
    variants=("sync", "unlocked"),
    what="writer",
    document="docs/writers.md",
)
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
