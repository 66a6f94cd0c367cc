"""Define the hooks by which an adapter's proxy uses the process that it runs in.

By default they are a lock and the clock. A harness replaces them: then the order of turns is a choice of
the strategy, and the last lines outlive the process.
"""

from __future__ import annotations

import threading
import time

__all__ = ["HostHooks"]


class HostHooks:
    """Hooks for plain threads without a harness.

    Attributes:
        lanes: names of the lanes in this process.
        patience_s: seconds until a silent adapter is given up, of its own time as `time_limit` counts it;
            None if the harness limits the time itself.
    """

    lanes: tuple[str, ...] = ()
    patience_s: float | None = 10.0

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = False
        #: Grows with each request that is answered or begins to sleep.
        self._progress = 0
        self._own = threading.local()

    def take_turn(self, *, after_another: bool) -> None:
        """Wait until no request of this process runs.

        Args:
            after_another: also wait until another lane has made progress since the calling lane's last turn.
        """
        with self._free:
            seen = getattr(self._own, "seen", 0) if after_another else -1
            self._free.wait_for(lambda: not self._taken and self._progress != seen)
            self._taken = True

    def give_turn(self, *, progress: bool) -> None:
        """Let another request run.

        Args:
            progress: whether the request was answered or sleeps, which other requests may wait for.
        """
        with self._free:
            self._progress += progress
            self._own.seen = self._progress
            self._taken = False
            self._free.notify_all()

    def started(self, pid: int, lane: str) -> None:
        """Note that an adapter was started.

        Args:
            pid: process id of the adapter.
            lane: the only lane that it serves; empty for all lanes of this process.
        """

    def asks(self, lane: str) -> None:
        """Note that a request of the calling lane begins to run in the adapter of `lane`."""

    def answered(self, lane: str) -> None:
        """Note that the request was answered, or that it sleeps or waits."""

    def now_ns(self) -> int:
        """Return virtual time, nanoseconds since 1970."""
        return time.time_ns()

    def date_ahead_ns(self) -> int:
        """Return how far the clock of the date is ahead of virtual time, nanoseconds."""
        return 0

    def note_line(self, line: str) -> None:
        """Note a line that was sent or received."""

    def crashed(self, why: str, status: int, *, late: bool) -> None:
        """Note that the adapter's program ended by itself; returning leaves the report to `give_up`.

        Args:
            why: how it ended, and the end of its standard error.
            status: its exit status; the negative number of the signal that ended it.
            late: it was met dead by the first request of a schedule, and had served another one.
        """

    def give_up(self, why: str) -> None:
        """Note that the adapter failed; returning leaves the report to an exception."""
