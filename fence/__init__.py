"""Register the fences: detectors that tell a runner whether its transcript was taken over.

`fence.protocol` defines the interface of a fence, `fence.locks` the write locks below. A new fence is a
file and a line in this registry. Modules are imported when their fence is first loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from fence.controls import CONTROLS

if TYPE_CHECKING:
    from fence.protocol import Fence

__all__ = ["FENCES", "load"]

#: Maps a name to ``module:Class``.
FENCES: dict[str, str] = {
    "none": "fence.none:NoFence",
    "stat-2026.5.17": "fence.stat_2026_5_17:StatFence",
    "pr-84046": "fence.pr84046:Pr84046Fence",
    "pr-84149": "fence.pr84149:Pr84149Fence",
    "issue-84071-a": "fence.issue84071a:Issue84071aFence",
    "issue-84071-b": "fence.issue84071b:Issue84071bFence",
    "ledger": "fence.ledger:LedgerFence",
    **CONTROLS,
}


def load(name: str) -> type[Fence]:
    """Return the class of a registered fence.

    Raises:
        ValueError: the name is not registered.
    """
    if name not in FENCES:
        raise ValueError(f"fence: {name!r}, expected one of {', '.join(FENCES)}; see fence.FENCES")
    module, _, attribute = FENCES[name].partition(":")
    found: type[Fence] = getattr(importlib.import_module(module), attribute)
    return found
