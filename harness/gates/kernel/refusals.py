"""Calls that the harness refused a lane, and operations that failed because of one.

A call that is answered with EROFS, EPERM or ENOSYS in the kernel's place might have gone well elsewhere. A
fence that dies of the answer is not broken, so the schedule is inconclusive and says what to do. One
that puts up with it and fails for another reason is.
"""

from __future__ import annotations

import errno
import os

import msgspec

from harness.gates.limits import of_limit
from harness.gates.walls import errno_of

__all__ = ["Refusal", "Refusals"]

_REMEDIES = {
    errno.EROFS: "only files in the session directory can be changed: keep others there, or do without them",
    errno.ENOSYS: "such calls cannot be followed: let the fence do without them",
}
_REMEDY = "the harness does not allow it: let the fence do without this call"


class Refusal(msgspec.Struct, frozen=True):
    """One call that was refused.

    Args:
        process: name of the worker that made it, or whose child did.
        lane: index of the lane that made it itself; -1 for a thread or a process that it started.
        call: name of the call.
        path: that it was about; empty for none.
        error: errno of the answer.
        started: by lane of the worker, how many operations had begun.
    """

    process: str
    lane: int
    call: str
    path: str
    error: int
    started: dict[int, int]

    @property
    def story(self) -> str:
        """Return what was refused, and what to do about it."""
        about = f"{self.call} {self.path}".rstrip()
        answer = f"{errno.errorcode.get(self.error, self.error)} ({os.strerror(self.error)})"
        return f"the harness answered {about} with {answer}; {_REMEDIES.get(self.error, _REMEDY)}"


class Refusals:
    """The calls that were refused in one schedule."""

    def __init__(self) -> None:
        self._found: list[Refusal] = []

    def clear(self) -> None:
        """Forget them, for another schedule begins."""
        self._found.clear()

    def add(self, refusal: Refusal) -> None:
        """Add one."""
        self._found.append(refusal)

    def excuse(self, process: str, lane: int, op: int, cause: int | None) -> str:
        """Return why the harness may have made an operation fail; empty if something else did.

        Args:
            process: name of the lane's worker.
            lane: index of the lane.
            op: index of its operation.
            cause: of the exception that ended it, see `harness.gates.walls`, 0 for none; None where the
                process ended.
        """
        cause = None if cause is None else errno_of(cause)
        limit = of_limit(cause or 0)
        if limit:
            return limit
        for one in reversed(self._found):
            if one.process != process:
                continue
            if cause and cause == one.error:
                return one.story
            # The refusal of a child or a thread can reach the lane as any error at all.
            if one.started.get(lane, 0) > op and (cause is None or one.lane < 0):
                return one.story
        return ""
