"""What an adapter's proxy needs of the place where it runs.

On its own a fence has a lock and the clock. A harness puts something else in their
place: whose turn it is becomes a choice, and what was said last outlives the process.
"""

from __future__ import annotations

import threading
import time

__all__ = ["HostHooks"]


class HostHooks:
    """Lanes are threads and nobody watches.

    Attributes:
        lanes: names of those that live in this process.
        patience_s: real seconds until an adapter that says nothing is given up; None
            where somebody else keeps watch.
    """

    lanes: tuple[str, ...] = ()
    patience_s: float | None = 10.0

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = False
        #: Grows whenever a request was answered or went to sleep.
        self._progress = 0
        self._own = threading.local()

    def take_turn(self, *, after_another: bool) -> None:
        """Wait until no request of this process runs.

        Args:
            after_another: and until another one has come further since our last turn.
        """
        with self._free:
            seen = getattr(self._own, "seen", 0) if after_another else -1
            self._free.wait_for(lambda: not self._taken and self._progress != seen)
            self._taken = True

    def give_turn(self, *, progress: bool) -> None:
        """Let another request run.

        Args:
            progress: whether ours was answered or sleeps, which others may wait for.
        """
        with self._free:
            self._progress += progress
            self._own.seen = self._progress
            self._taken = False
            self._free.notify_all()

    def started(self, pid: int, lane: str) -> None:
        """An adapter was started.

        Args:
            pid: of its process.
            lane: for which it is alone; empty for all of this process.
        """

    def asks(self, lane: str) -> None:
        """From here on a request of the calling lane runs in the adapter of `lane`."""

    def answered(self, lane: str) -> None:
        """It was answered, or it sleeps or waits."""

    def now_ns(self) -> int:
        """Virtual time, nanoseconds since 1970."""
        return time.time_ns()

    def heard(self, line: str) -> None:
        """A line went one way or the other."""

    def give_up(self, why: str) -> None:
        """The adapter can no longer be believed; returns where that is said by an exception alone."""
