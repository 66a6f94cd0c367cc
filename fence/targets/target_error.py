"""Define the exception of this folder."""

from __future__ import annotations

__all__ = ["TargetError"]


class TargetError(Exception):
    """A released program is not available or cannot run; the message names what is missing."""
