"""Say where lanes stop for a debugger, and over which descriptors that speaks with its user."""

from __future__ import annotations

import msgspec

__all__ = ["DebugSpec"]


class DebugSpec(msgspec.Struct, frozen=True):
    """Places at which lanes stop for a debugger.

    Args:
        reads, writes: descriptors of the user's terminal, the same in each process.
        lane: index of the only lane that stops; -1 for any.
        line: of that lane the line of its fence, counted from 1 as it begins them, before which the debugger
            of Python stops; 0 for none.
        breaks: files, absolute and real, with lines before which it stops.
        pause: number of the step, from 0, before which everything waits for the user; -1 for none.
    """

    reads: int
    writes: int
    lane: int = -1
    line: int = 0
    breaks: tuple[tuple[str, int], ...] = ()
    pause: int = -1
