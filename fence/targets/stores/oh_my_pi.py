"""Provide the session manager of oh-my-pi (MIT licence, on npm as @oh-my-pi/pi-coding-agent), under Bun."""

from __future__ import annotations

from fence.targets.stores import bun
from fence.targets.stores.node_store import NodeStore

__all__ = ["VERSIONS", "command", "fetch", "fetched"]

VERSIONS = ("18.2.3",)


def _is_wanted(path: str) -> bool:
    if path.endswith(".node"):
        # The other one of two is for newer processors; its loader takes this one where that is missing.
        return path.endswith("-baseline.node") or "x64" not in path
    # It imports pages, texts and sounds as well.
    return not path.endswith((".d.ts", ".map"))


_library = NodeStore("oh-my-pi", "@oh-my-pi/pi-coding-agent", "oh_my_pi.mjs", bun.path, _is_wanted).library
fetch, fetched, command = _library.fetch, _library.fetched, _library.command
