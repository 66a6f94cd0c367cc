"""Announce a long-lived child that acts for a worker's lanes, such as a fence in another language.

The kernel gate follows every process that a worker starts. A process that a lane starts acts in that
lane's name and ends with the schedule. A *service* belongs to no lane: it outlives schedules, and its
file calls are steps of the lane whose request it handles. Under the free gate the announcements
have no effect.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

from harness.model.stop_reasons import ANSWERED, ASK, SERVE, STOP_CALL, stop_arguments

__all__ = ["Service"]


class Service:
    """A child of this process, announced to the gate.

    Start the child after the filter is installed (in a lane's operation, or when the fence's handle
    is made), with plain pipes for its standard streams, and create a `Service` right afterwards. For
    each request:

        with service.request():
            os.write(to_child, line)
            answer = os.read(from_child, size)

    Args:
        pid: process id of the child.
        one_at_a_time: the child answers requests in order of arrival and starts none before it
            has answered the one before. Then its calls belong to the oldest open request.
            Otherwise a call that it makes in the session directory while requests of several
            lanes are open makes the schedule inconclusive, because its lane is not known.
        flows: each activity in the child is caused by the previous one, so at most one of its
            tasks runs at a time. Then the next call that stops proves that nothing else runs,
            and the gate need not check for quiescence. A wrong value costs repeatable
            histories, never a wrong verdict.
    """

    def __init__(self, pid: int, one_at_a_time: bool, *, flows: bool = False) -> None:
        self.pid = pid
        # A prototype of its own: other code may set other argument types on the shared one.
        self._syscall = ctypes.CDLL(None).syscall
        self._syscall.argtypes = [ctypes.c_long] * 6
        self._syscall.restype = ctypes.c_long
        self._tell(SERVE, int(one_at_a_time) | 2 * flows)

    def _tell(self, why: int, value: int = 0) -> None:
        self._syscall(STOP_CALL, *stop_arguments(why, self.pid, value))

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Announce a request of the calling lane from before it is sent until its answer has been read."""
        self.asks()
        try:
            yield
        finally:
            self.answered()

    def asks(self) -> None:
        """Announce that a request of the calling lane begins."""
        self._tell(ASK)

    def answered(self) -> None:
        """Announce that the request of the calling lane has been answered."""
        self._tell(ANSWERED)
