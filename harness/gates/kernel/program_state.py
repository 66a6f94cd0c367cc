"""A clock, random numbers and waits in virtual time, which the harness gives each program."""

from __future__ import annotations

from harness.gates.kernel.adapter_clock import AdapterClock
from harness.gates.kernel.program_clock import ProgramClock
from harness.gates.kernel.random_files import RandomFile, look_up
from harness.gates.kernel.steady_clock import SteadyCells
from harness.gates.kernel.timed_waits import TimedWait
from harness.gates.kernel.tracee_memory import TraceeMemory
from harness.gates.kernel.virtual_timers import ProgramTimers

__all__ = ["ProgramState"]


class ProgramState:
    """The state of one process that a worker started.

    Args:
        date: what it reads as the date, if it is an adapter or was started by one.
        steady: where it is told how far its other clocks are ahead, likewise.

    Attributes:
        clock: its virtual time; None where it has the real one, as an adapter and a copy of its worker have.
        date: what an adapter and what it starts read as the date; None for any other process.
        steady: where such a process is told how far its other clocks are ahead of the machine's.
        waits: waits with a time-out before which threads are stopped, by thread id.
        timers: that send signals; None as long as it has asked for none.
    """

    def __init__(self, date: AdapterClock | None = None, steady: SteadyCells | None = None) -> None:
        self.clock: ProgramClock | None = None
        self.date = date
        self.steady = steady
        self.waits: dict[int, TimedWait] = {}
        self.timers: ProgramTimers | None = None
        self._random_files: dict[int, RandomFile | None] = {}

    def of_fork(self, memory: TraceeMemory) -> ProgramState:
        """Return the state of a process that was forked from this one."""
        steady = self.steady.of_fork(memory) if self.steady is not None else None
        copy = ProgramState(self.date, steady)
        if self.clock is not None:
            copy.clock = self.clock.of_fork(memory)
        return copy

    def takes_time_from(self, clock: ProgramClock | None) -> None:
        """Set the clock of a program that has just been started, or of one that could not start another."""
        if self.timers is not None and (clock is None or clock.is_new):
            self.timers.forget_made()
        self.clock = clock
        self._random_files.clear()

    def asks_for_date(self, steady: SteadyCells | None) -> None:
        """Note that an adapter was just started, or a program by one.

        Args:
            steady: the cells of its clocks but that of the date, for which it asks; None where it does not.
        """
        self.date = (self.date or AdapterClock()) if steady is not None else None
        self.steady = steady
        if steady is not None and self.date is not None:
            steady.tell(self.date.steady.ahead_ns)
        self._random_files.clear()

    def own_timers(self) -> ProgramTimers:
        """Return its timers that send signals, made when they are first asked for."""
        if self.timers is None:
            self.timers = ProgramTimers()
        return self.timers

    def random_file(self, pid: int, fd: int) -> RandomFile | None:
        """Return the file behind a descriptor outside the session directory, if it gives random numbers."""
        if fd not in self._random_files:
            self._random_files[fd] = look_up(pid, fd)
        return self._random_files[fd]

    def forget_fd(self, fd: int) -> None:
        """Forget a descriptor that is closed."""
        self._random_files.pop(fd, None)

    def waits_before(self, tid: int, wait: TimedWait) -> None:
        """Note that a thread is stopped before a wait with a time-out."""
        self.waits[tid] = wait

    def take_ended_waits(self, one: bool) -> list[TimedWait]:
        """Remove and return the waits that are over because what was waited for is there.

        Args:
            one: at most one, that which began first.
        """
        over = [tid for tid, wait in self.waits.items() if wait.is_over()]
        return [self.waits.pop(tid) for tid in (over[:1] if one else over)]

    def take_wait(self, tid: int) -> TimedWait | None:
        """Remove and return the wait before which a thread was stopped, if it was."""
        return self.waits.pop(tid, None)
