"""What a worker says of a long-lived child that acts for its lanes, such as a fence in another language.

The kernel gate follows every process that a worker starts. One that a lane starts acts in
that lane's name and ends with the schedule. A *service* belongs to no lane: it lives over
schedules, and its file calls are steps of the lane whose request it has under way. Under
the free gate none of this means anything, and nothing happens.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

from harness.model.stop_reasons import ANSWERED, ASK, PARK, SERVE

__all__ = ["Service"]


class Service:
    """A child of this process, announced to the gate.

    Start the child after the worker stands under its filter (in a lane's operation, or when
    the fence's handle is made), with plain pipes for its standard streams, and make one of
    these right afterwards. In each request:

        with service.request():
            os.write(to_child, line)
            answer = os.read(from_child, size)

    Args:
        pid: process id of the child.
        one_at_a_time: it answers requests in the order in which they came and does nothing
            for the next one before it has answered the one before. Then its calls belong to the
            oldest request, however many wait. Otherwise a call that it makes in the session
            directory while requests of several lanes are under way makes the schedule
            inconclusive: nobody can tell for whom it is.
        flows: whatever moves in it moves because of the one thing before, like a row of
            dominoes: then the next call that stops proves that nothing else moves, and the gate
            need not look. Truth does not hang on it, only that histories repeat.
    """

    def __init__(self, pid: int, one_at_a_time: bool, *, flows: bool = False) -> None:
        self.pid = pid
        # A prototype of its own: the arguments of the shared one belong to somebody else.
        self._syscall = ctypes.CDLL(None).syscall
        self._syscall.argtypes = [ctypes.c_long] * 4
        self._syscall.restype = ctypes.c_long
        self._syscall(PARK, SERVE, pid, int(one_at_a_time) | 2 * flows)

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """A request of the calling lane is under way: from before it is sent until its answer was read."""
        self.asks()
        try:
            yield
        finally:
            self.answered()

    def asks(self) -> None:
        """From here on a request of the calling lane is under way."""
        self._syscall(PARK, ASK, self.pid, 0)

    def answered(self) -> None:
        """It is no more."""
        self._syscall(PARK, ANSWERED, self.pid, 0)
