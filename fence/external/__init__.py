"""Fences in any language, over JSON Lines on standard input and output.

`docs/external-fence.md` is the protocol. `proxy` is what a lane sees, `adapter` the
process behind it, `wire` its lines, `surroundings` what a harness can put in their place.
"""

from __future__ import annotations

from fence.external.host_hooks import HostHooks
from fence.external.proxy import PREFIX, ExternalFence, external

__all__ = ["PREFIX", "ExternalFence", "HostHooks", "external"]
