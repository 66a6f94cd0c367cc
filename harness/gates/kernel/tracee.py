"""A process that a worker started, or one of its descendants, and its threads.

What it does in the session directory it does in a lane's name. Whose turn it is, and
whose name that is, is up to `crowd`.
"""

from __future__ import annotations

from harness.gates.kernel.lane import Lane, PendingSyscall, Process, Status, Worker
from harness.gates.kernel.linux_abi import PARK
from harness.gates.kernel.quiescence import tasks_of
from harness.gates.kernel.syscall_table import CALLS
from harness.gates.kernel.tracee_memory import TraceeMemory

__all__ = ["SharedService", "TraceeProcess", "TraceeThread", "accounted", "several", "standing"]

_NOWHERE = PendingSyscall(0, CALLS[PARK], ())


class SharedService:
    """A child that serves several lanes: who has a request under way in it.

    Args:
        pid: of the child that was announced.
        one_at_a_time: it does nothing for a request before the older ones are answered.
        flows: one thing at a time moves in it, see `harness.lanes.child_services`.
    """

    def __init__(self, pid: int, one_at_a_time: bool, flows: bool) -> None:
        self.pid = pid
        self.one_at_a_time = one_at_a_time
        self.flows = flows
        #: Oldest request first.
        self.asking: list[Lane] = []

    def lane(self) -> Lane | None:
        """For whom it acts; None where that cannot be told."""
        if len(self.asking) == 1 or (self.asking and self.one_at_a_time):
            return self.asking[0]
        return None

    def why(self) -> str:
        """Why that cannot be told."""
        if not self.asking:
            return "while no lane had a request under way in it"
        names = " and ".join(str(lane.index) for lane in self.asking)
        return f"while lanes {names} had requests under way in it, and nobody can tell for whom it acts"


class TraceeThread:
    """One thread of a unit; where it stands and waits is kept as a `Lane` keeps it."""

    __slots__ = ("asked", "lane", "number", "poll_name", "stand", "status", "tid", "unit", "wake_ns")

    def __init__(self, unit: TraceeProcess, tid: int, number: int) -> None:
        self.unit = unit
        self.tid = tid
        #: Place among the threads of the process, in order of birth.
        self.number = number
        #: For whom it acts, since it stopped here.
        self.lane: Lane | None = None
        self.stand = _NOWHERE
        self.status: str = Status.MOVING
        self.wake_ns = 0
        self.asked = False
        self.poll_name: str | None = None


class TraceeProcess(Process):
    """One process beside a worker.

    Args:
        worker: which worker's family it is of.
        pid: process id.
        number: place in the order of birth of that family.
        lane: in whose name it acts; None where nobody's is known.
        served: set instead where it serves several lanes.

    Raises:
        OSError: it is gone, or may not be examined.
    """

    def __init__(
        self, worker: Worker, pid: int, number: int, lane: Lane | None, served: SharedService | None
    ) -> None:
        super().__init__(worker.name, pid, worker.listener)
        self.worker = worker
        self.number = number
        self.lane = lane
        self.served = served
        self.by_tid: dict[int, TraceeThread] = {}
        #: Has started or may have started another program since it was looked at.
        self.stale = False
        #: Has started threads.
        self.threaded = False
        #: How many numbers for event descriptors it or those before it have got.
        self.events = 0
        self._threads = 0

    def task(self, tid: int) -> TraceeThread:
        """The thread of that id; threads are numbered in the order in which the kernel lists them."""
        found = self.by_tid.get(tid)
        if found is None:
            for one in (*tasks_of(self.pid), tid):
                if one not in self.by_tid:
                    self.by_tid[one] = TraceeThread(self, one, self._threads)
                    self._threads += 1
            found = self.by_tid[tid]
        return found

    def forget_ended(self) -> None:
        """Drop threads that are no more."""
        there = tasks_of(self.pid)
        for tid in [tid for tid in self.by_tid if tid not in there]:
            del self.by_tid[tid]
        self.watch.close(but=there)

    def renew(self) -> None:
        """After an exec: other memory, and descriptors that were to be closed are."""
        self.stale = False
        self.fds.clear()
        fresh = TraceeMemory(self.pid)
        self.memory.close()
        self.memory = fresh


def accounted(space: Process) -> bool:
    """Whether every thread of a process is known not to run, without a look at it."""
    known = standing(space).union(space.blocked)
    if isinstance(space, TraceeProcess):
        return len(space.by_tid) == 1 and not space.threaded and bool(known)
    return len(known) == len(space.by_tid)


def several(space: Process) -> bool:
    """Whether more than one thread of a process may be moving."""
    if isinstance(space, TraceeProcess) and space.threaded:
        return True
    return len(space.by_tid) - len(standing(space).union(space.blocked)) > 1


def standing(space: Process) -> set[int]:
    """Threads that stand in a trap."""
    moving = (Status.MOVING, Status.ASLEEP)
    stopped = {tid for tid, actor in space.by_tid.items() if actor.status not in moving}
    return stopped.union(space.held)
