"""The part of a process that a worker started which concerns no lane: its program, its rest."""

from __future__ import annotations

from harness.gates.kernel.process import Process
from harness.gates.kernel.program_state import ProgramState
from harness.gates.kernel.tracee_memory import TraceeMemory

__all__ = ["StartedProcess"]


class StartedProcess(Process):
    """A process that a worker started, or one of its descendants, as far as that concerns no lane.

    Args:
        name: the scenario's name of the worker.
        pid: process id.
        listener: the seccomp listener that delivers its calls.

    Attributes:
        exec_pending: it has started or may have started another program since its last call.
        threaded: it has started threads.
        program: what the harness gives it of its own, if a lane started it.
        events: how many numbers for event descriptors it and its parents have got.

    Raises:
        OSError: it is gone, or may not be examined.
    """

    def __init__(self, name: str, pid: int, listener: int) -> None:
        super().__init__(name, pid, listener)
        self.exec_pending = False
        self.threaded = False
        self.program = ProgramState()
        self.events = 0

    def notified(self, tid: int) -> None:
        """Note that a thread has stopped before a call, so its last one is over."""
        super().notified(tid)
        self.program.take_wait(tid)
        if self.program.date is not None:
            self.program.date.returned(tid)

    def forget_fd(self, fd: int) -> None:
        """Forget a descriptor that is closed."""
        super().forget_fd(fd)
        self.program.forget_fd(fd)

    def begin(self) -> None:
        """Start a schedule."""
        self.fds.clear()
        if self.program.date is not None:
            self.program.date.begin()

    def starts_thread(self) -> None:
        """Note that a thread is about to be started."""
        self.threaded = True

    def starts_program(self) -> None:
        """Note that it is about to become another program."""
        self.exec_pending = True
        self.threaded = False

    def started_program(self) -> None:
        """Open the memory of the new program, and forget descriptors that exec may have closed."""
        self.exec_pending = False
        self.fds.clear()
        fresh = TraceeMemory(self.pid)
        self.memory.close()
        self.memory = fresh

    def inherit(self, parent: StartedProcess) -> None:
        """Go on counting event descriptors where the parent is, and with its clock."""
        self.events = parent.events
        self.program = parent.program.of_fork(self.memory)

    def count_event(self) -> None:
        """Count one more number of an event descriptor."""
        self.events += 1

    def sleeps_really(self) -> None:
        """Note that a thread of it sleeps in the kernel."""
        self.has_sleepers = True

    def is_idle(self) -> None:
        """Note that no request is under way in it: nothing of it moves."""
        self.quiescent = True

    def may_move(self) -> None:
        """Note that it was asked for something: it may move and wake others."""
        self.quiescent, self.may_wake = False, True

    def accounted(self) -> bool:
        """Return whether every thread is known not to run, without a look at it."""
        return len(self.tasks) == 1 and not self.threaded and bool(self.stopped().union(self.pipe_readers))

    def several_move(self) -> bool:
        """Return whether more than one thread may be moving."""
        return self.threaded or super().several_move()
