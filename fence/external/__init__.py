"""Run fences in any language, over JSON Lines on standard input and output.

`docs/external-fence.md` is the protocol. `proxy` is the fence that a lane uses, `adapter` the process
behind it, `wire` the lines, and `host_hooks` the functions that a harness may replace.
"""

from __future__ import annotations

from fence.external.host_hooks import HostHooks
from fence.external.proxy import PREFIX, ExternalFence, external

__all__ = ["PREFIX", "ExternalFence", "HostHooks", "external"]
