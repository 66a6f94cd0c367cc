"""What an external fence finds in a worker: its lanes, whose turn it is, and where last words go.

The fence's proxy knows no gate. Here its adapters are announced to the gate, taking turns
becomes a stop at it, and an adapter that broke ends the process with the reason
on the board, so that the schedule is inconclusive and nobody is accused.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Protocol

from fence.external import ExternalFence, HostHooks
from fence.protocol import Fence
from harness.lanes.child_services import Service
from harness.model.shared_memory import SharedMemory
from harness.model.stop_reasons import TURN

__all__ = ["AdapterHost", "GatedAdapterHost", "Stops", "host"]


class AdapterHost(HostHooks):
    """The surroundings in a worker of the free gate: lanes are threads, the gate keeps watch.

    Args:
        lanes: names of the process's lanes.
        board: shared with the gate.
    """

    patience_s = None

    def __init__(self, lanes: tuple[str, ...], board: SharedMemory) -> None:
        super().__init__()
        self.lanes = lanes
        self._board = board

    def heard(self, line: str) -> None:
        """Keep it where the gate can read it when this process hangs."""
        self._board.hear(line)

    def give_up(self, why: str) -> None:
        """Say why and end this process: nothing can be known of its lanes any more."""
        self._board.say(why)
        os.kill(os.getpid(), signal.SIGKILL)


class Stops(Protocol):
    """How a lane stops at the kernel gate."""

    def lane(self) -> int:
        """Index of the calling lane."""

    def stop(self, why: int, lane: int, value: int) -> None:
        """Stop for a reason of `harness.model.stop_reasons`."""


class GatedAdapterHost(AdapterHost):
    """The surroundings in a worker of the kernel gate: taking turns is a step, and each request is announced.

    Args:
        lanes: names of the process's lanes.
        board: shared with the gate.
        stops: how the calling lane stops.
    """

    def __init__(self, lanes: tuple[str, ...], board: SharedMemory, stops: Stops) -> None:
        super().__init__(lanes, board)
        self._stops = stops
        self._services: dict[str, Service] = {}

    def take_turn(self, *, after_another: bool) -> None:
        """Stop until the gate gives the lane its turn."""
        lane = self._stops.lane()
        self._board.want_turn(lane, after_another=after_another)
        self._stops.stop(TURN, lane, 0)
        self._board.take_turn(lane)

    def give_turn(self, *, progress: bool) -> None:
        """The gate sees that on the board when the lane stops next."""
        self._board.give_turn(progress=progress)

    def started(self, pid: int, lane: str) -> None:
        """Announce the adapter."""
        self._services[lane] = Service(pid, one_at_a_time=False, flows=True)

    def asks(self, lane: str) -> None:
        """Announce that it acts for the calling lane."""
        self._services[lane].asks()

    def answered(self, lane: str) -> None:
        """Announce that it does no more."""
        self._services[lane].answered()


def host(make_fence: Callable[..., Fence], make_hosting: Callable[[], AdapterHost]) -> None:
    """Give a fence its surroundings, if it is external.

    Args:
        make_fence: its class.
        make_hosting: makes them.
    """
    if isinstance(make_fence, type) and issubclass(make_fence, ExternalFence):
        make_fence.settle(make_hosting())
