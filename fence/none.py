"""Implement no fence: the result of no check at all."""

from __future__ import annotations

from typing import ClassVar

from fence.protocol import Fence

__all__ = ["NoFence"]


class NoFence(Fence):
    """Writes under the lock and accepts all changes in between.

    Source: OpenClaw before 2026.5.16 kept the lock for the whole turn instead; this fence releases the
    lock and puts no check in its place. It does not catch anything.
    """

    about: ClassVar[str] = "no check at all: every write is admitted"
