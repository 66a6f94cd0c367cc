"""Implement the host hooks of an external fence in a worker: lanes, turns, and error messages.

The fence's proxy knows no gate. These hooks announce its adapters to the gate and make taking turns a
stop at the gate. An adapter that breaks the protocol ends the worker, with the reason in shared memory, so
that the schedule is inconclusive and no lane is accused. One whose program ends ends the worker by the same
status, and the gate records the end of a fence's process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Protocol

from fence.external.host_hooks import HostHooks
from fence.protocol import Fence
from harness.lanes.child_services import Service
from harness.model.shared_memory import SharedMemory
from harness.model.stop_reasons import TURN

__all__ = ["AdapterHost", "GatedAdapterHost", "Stops", "host"]


#: Added to the number of a signal, as shells do.
_BY_SIGNAL = 128


class AdapterHost(HostHooks):
    """Host hooks in a worker of the free gate: lanes are threads, and the gate bounds their time.

    Args:
        lanes: names of the process's lanes.
        shared_memory: memory shared with the gate.
    """

    patience_s = None

    def __init__(self, lanes: tuple[str, ...], shared_memory: SharedMemory) -> None:
        super().__init__()
        self.lanes = lanes
        self._shared_memory = shared_memory

    def note_line(self, line: str) -> None:
        """Record the line where the gate can read it when this process hangs."""
        self._shared_memory.record_line(line)

    def crashed(self, why: str, status: int, *, late: bool) -> None:
        """Record how the adapter ended, and end this process by the same status: it is the lanes' process.

        One that a signal ended is left to the gate, which knows where signals come from.
        """
        number = max(0, -status)
        self._shared_memory.record_crash(why, self.calling_lane(), late=late, number=number)
        os._exit(_BY_SIGNAL + number if number else status)

    def calling_lane(self) -> int:
        """Return the index of the lane that calls; -1 where that is not known."""
        return -1

    def give_up(self, why: str) -> None:
        """Record the reason and end this process: the state of its lanes is no longer known."""
        self._shared_memory.record_error(why)
        os.kill(os.getpid(), signal.SIGKILL)


class Stops(Protocol):
    """The ways in which a lane stops at the kernel gate."""

    def lane(self) -> int:
        """Return the index of the calling lane."""

    def stop(self, why: int, lane: int, value: int) -> None:
        """Stop for a reason of `harness.model.stop_reasons`."""


class GatedAdapterHost(AdapterHost):
    """Host hooks in a worker of the kernel gate: taking a turn is a step, and each request is announced.

    Args:
        lanes: names of the process's lanes.
        shared_memory: memory shared with the gate.
        stops: stops the calling lane.
    """

    def __init__(self, lanes: tuple[str, ...], shared_memory: SharedMemory, stops: Stops) -> None:
        super().__init__(lanes, shared_memory)
        self._stops = stops
        self._services: dict[str, Service] = {}

    def now_ns(self) -> int:
        """Return virtual time, beside any clock of the date in the process."""
        return time.monotonic_ns()

    def date_ahead_ns(self) -> int:
        """Return how far the process takes the date to be ahead."""
        return time.time_ns() - time.monotonic_ns()

    def take_turn(self, *, after_another: bool) -> None:
        """Stop until the gate gives the lane its turn."""
        lane = self._stops.lane()
        self._shared_memory.want_turn(lane, after_another=after_another)
        self._stops.stop(TURN, lane, 0)
        self._shared_memory.take_turn(lane)

    def give_turn(self, *, progress: bool) -> None:
        """Record that the lane's turn is over; the gate reads it when the lane stops next."""
        self._shared_memory.give_turn(progress=progress)

    def calling_lane(self) -> int:
        """Return the index of the lane that calls."""
        return self._stops.lane()

    def started(self, pid: int, lane: str) -> None:
        """Announce the adapter to the gate."""
        self._services[lane] = Service(pid, one_at_a_time=False, flows=True)

    def asks(self, lane: str) -> None:
        """Announce that the adapter acts for the calling lane."""
        self._services[lane].asks()

    def answered(self, lane: str) -> None:
        """Announce that the adapter no longer acts for the calling lane."""
        self._services[lane].answered()


def host(make_fence: Callable[..., Fence], make_hooks: Callable[[], AdapterHost]) -> None:
    """Give a fence its host hooks, if it is external.

    Args:
        make_fence: class of the fence.
        make_hooks: makes the hooks.
    """
    # A class of that kind has imported it, and a worker imports nothing more.
    if "fence.external.proxy" in sys.modules:
        from fence.external.proxy import ExternalFence

        if isinstance(make_fence, type) and issubclass(make_fence, ExternalFence):
            make_fence.use_hooks(make_hooks())
