"""Provide the session manager of pi-coding-agent (MIT licence, on npm as @earendil-works/pi-coding-agent)."""

from __future__ import annotations

from fence.targets.openclaw.tools import node
from fence.targets.stores.node_store import NodeStore

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("0.74.0", "0.87.1", "1.6.0")


def _is_wanted(path: str) -> bool:
    return path.endswith((".js", ".mjs", ".cjs", ".json", ".wasm")) or "LICENSE" in path


_library = NodeStore(
    "pi-coding-agent", "@earendil-works/pi-coding-agent", "pi_coding_agent.mjs", node, _is_wanted
).library
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
