"""The exception of this folder."""

from __future__ import annotations

__all__ = ["TargetError"]


class TargetError(Exception):
    """A released program cannot be had or cannot be made to run; the message says what is missing."""
