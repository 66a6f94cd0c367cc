"""Clocks of processes that are off, as those of several hosts are."""

from __future__ import annotations

from harness.gates.kernel.virtual_clock import FOREVER_NS
from harness.model.program import ClockSkew, Program
from harness.model.shared_memory import Clock

__all__ = ["ProcessClocks"]

_MS = 1_000_000


class ProcessClocks:
    """Offsets of the clocks of one gate's processes from virtual time, over a schedule.

    Args:
        clock: shared with the workers, which read there how far theirs are.

    Attributes:
        change_ns: virtual time at which one of them is set back next.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._skews: dict[str, ClockSkew] = {}
        self._ahead_ns: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._started_ns = 0
        self.change_ns = FOREVER_NS

    def begin(self, program: Program) -> None:
        """Start a schedule."""
        if self._skews:
            for place in self._places.values():
                self._clock.set_offset(place, 0)
        self._skews = {lane.process: lane.clock for lane in program.lanes if lane.clock is not None}
        self._places = {
            name: place for place, name in enumerate(dict.fromkeys(lane.process for lane in program.lanes))
        }
        self._ahead_ns.clear()
        self._started_ns = program.clock_start_ns
        self.change_ns = self._started_ns if self._skews else FOREVER_NS

    @property
    def any_off(self) -> bool:
        """Return whether the clock of any process is off in this schedule."""
        return bool(self._skews)

    def change(self, now_ns: int) -> None:
        """Set the clocks as they are from a virtual time on."""
        elapsed_ns = now_ns - self._started_ns
        self.change_ns = FOREVER_NS
        for name, skew in self._skews.items():
            self._ahead_ns[name] = skew.offset_ns(elapsed_ns)
            self._clock.set_offset(self._places[name], self._ahead_ns[name])
            after_ns = skew.after_ms * _MS
            if skew.back_ms and after_ns > elapsed_ns:
                self.change_ns = min(self.change_ns, self._started_ns + after_ns)

    def ahead_ns(self, process: str) -> int:
        """Return how far the clock of a process is ahead, in nanoseconds."""
        return self._ahead_ns.get(process, 0)
