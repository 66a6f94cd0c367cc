"""A child process that serves several lanes, and whose request it works on."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

__all__ = ["SharedService"]


class _Indexed(Protocol):
    index: int


LaneT = TypeVar("LaneT", bound=_Indexed)


class SharedService(Generic[LaneT]):
    """A child process that serves several lanes, and the lanes whose requests are under way in it.

    Args:
        pid: of the child that was announced.
        one_at_a_time: it does nothing for a request before the older ones are answered.
        flows: one thing at a time moves in it, see `harness.lanes.child_services`.

    Attributes:
        requests: lanes with a request under way, the oldest first.
    """

    def __init__(self, pid: int, one_at_a_time: bool, flows: bool) -> None:
        self.pid = pid
        self.one_at_a_time = one_at_a_time
        self.flows = flows
        self.requests: list[LaneT] = []

    def request(self, lane: LaneT) -> None:
        """Note that a lane's request is under way."""
        self.requests.append(lane)

    def reply(self, lane: LaneT) -> bool:
        """Note that a lane's request was answered; return whether it was under way."""
        if lane not in self.requests:
            return False
        self.requests.remove(lane)
        return True

    def lane(self) -> LaneT | None:
        """Return the lane that the child acts for; None where that cannot be told."""
        if len(self.requests) == 1 or (self.requests and self.one_at_a_time):
            return self.requests[0]
        return None

    def why(self) -> str:
        """Say why the lane cannot be told."""
        if not self.requests:
            return "while no lane had a request under way in it"
        names = " and ".join(str(lane.index) for lane in self.requests)
        return f"while lanes {names} had requests under way in it, and it cannot be told for which it acts"
