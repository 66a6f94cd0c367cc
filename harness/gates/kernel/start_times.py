"""When the processes of a schedule were born, in virtual time."""

from __future__ import annotations

__all__ = ["TICK_NS", "StartTimes"]

#: The kernel tells start times in hundredths of a second.
TICK_NS = 10_000_000
#: Processes that a schedule finds alive live over schedules, and may have asked for their start time in an
#: earlier one, or before the first: all of them have started a second after the boot.
_BEFORE_NS = 1_000_000_000


class StartTimes:
    """Virtual times of birth, and what processes have begun to read of them.

    Attributes:
        texts: of files of the kernel's that tell time, by process id and descriptor: a reader that wants byte
            by byte gets all of one text.
    """

    def __init__(self) -> None:
        self._born_ns: dict[int, int] = {}
        self._taken_ns: dict[int, int] = {}
        self.texts: dict[tuple[int, int], bytes] = {}

    def begin(self) -> None:
        """Start a schedule."""
        self._born_ns.clear()
        self._taken_ns.clear()
        self.texts.clear()

    def born(self, pid: int, now_ns: int) -> None:
        """Note that a process is born.

        Args:
            pid: its id, as the supervisor sees it.
            now_ns: virtual time; 0 outside of a schedule.
        """
        self._born_ns[pid] = max(now_ns, _BEFORE_NS)

    def taken(self, number: int, now_ns: int) -> None:
        """Note that another process gets an id in the session's PID namespace that one has had before."""
        self._taken_ns[number] = now_ns

    def of(self, number: int, pid: int) -> int:
        """Return when a process was born.

        Args:
            number: its id in its PID namespace.
            pid: its id, as the supervisor sees it; 0 for one that is none of the schedule's.
        """
        born_ns = self._taken_ns.get(number)
        return self._born_ns.get(pid, _BEFORE_NS) if born_ns is None else born_ns
