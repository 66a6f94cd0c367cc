"""Exit statuses."""

from __future__ import annotations

__all__ = ["BUG", "INCONCLUSIVE", "INTERRUPTED", "NOT_EXPECTED", "OK", "USAGE"]

OK = 0
NOT_EXPECTED = 1
USAGE = 2
INCONCLUSIVE = 3
BUG = 4
INTERRUPTED = 130
