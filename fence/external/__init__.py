"""Run fences in any language, over JSON Lines on standard input and output.

`docs/external-fence.md` is the protocol. `proxy` is the fence that a lane uses, `adapter` the process
behind it, `wire` the lines, and `host_hooks` the functions that a harness may replace.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fence.external.host_hooks import HostHooks
    from fence.external.proxy import ExternalFence, external

__all__ = ["PREFIX", "ExternalFence", "HostHooks", "external"]

#: Before the command, in the reference to such a fence.
PREFIX: Final = "exec:"
_LATE = {
    "ExternalFence": "fence.external.proxy",
    "HostHooks": "fence.external.host_hooks",
    "external": "fence.external.proxy",
}


def __getattr__(name: str) -> object:
    """Import a module when one of its names is first used (PEP 562): most runs have no such fence."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
