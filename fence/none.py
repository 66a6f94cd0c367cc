"""No fence: what happens when nobody looks."""

from __future__ import annotations

from typing import ClassVar

from fence.protocol import Fence

__all__ = ["NoFence"]


class NoFence(Fence):
    """Writes under the lock and accepts whatever came in between.

    Source: OpenClaw before 2026.5.16 kept the lock for the whole turn instead; this
    is what is left when the lock is let go and nothing takes its place. It does not catch
    anything.
    """

    about: ClassVar[str] = "no check at all: every write is admitted"
