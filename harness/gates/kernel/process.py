"""A supervised process, its tasks, and the system call before which a task is stopped."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fcntl import ioctl
from typing import Any, Final

from harness.gates.kernel.call_signature import Call
from harness.gates.kernel.inode import Inode
from harness.gates.kernel.linux_abi import NOTIF_SEND, RESPONSE
from harness.gates.kernel.pipe_wait import ANY_SLEEPER, PipeReader, empties
from harness.gates.kernel.quiescence import QuiescenceWatch, id_in_namespace
from harness.gates.kernel.syscall_table import CALLS
from harness.gates.kernel.task_status import Status
from harness.gates.kernel.tracee_memory import TraceeMemory
from harness.model.errors import Shortage
from harness.model.native import mypyc_attr
from harness.model.stop_reasons import STOP_CALL
from harness.system.machine_limits import check_descriptor

__all__ = ["NO_CALL", "PendingSyscall", "PipeReader", "Process", "Status", "Task", "by_own_id", "respond"]

_pack: Final = RESPONSE.pack


class PendingSyscall:
    """A system call before which a task is stopped.

    Args:
        trap_id: the kernel's number of the notification.
        call: signature of the call.
        args: its six arguments.
        process: the process that makes it.
        tid: the thread that makes it.
        inode: the file behind its descriptor, if it is one of the session.
        name: first path as a name in the session directory; None when it has none.
        name2: second path likewise.
        indirect: whether a path leads to its name by way of a link, of ``..``, or from outside.
        flags: flags of an open; 0 for any other call.
        waited: whether it is an flock that had to wait.
    """

    __slots__ = (
        *("args", "call", "flags", "indirect", "inode", "name"),
        *("name2", "process", "tid", "trap_id", "waited"),
    )

    def __init__(self, trap_id: int, call: Call, args: Sequence[int], process: Process, tid: int = 0) -> None:
        self.trap_id = trap_id
        self.call = call
        self.args = args
        self.process = process
        self.tid = tid
        self.inode: Inode | None = None
        self.name: str | None = None
        self.name2: str | None = None
        self.indirect = False
        self.flags = 0
        self.waited = False

    def made_by(self, process: Process) -> None:
        """Set the process that makes the call, where it is not the worker."""
        self.process = process

    def is_about(self, inode: Inode | None) -> None:
        """Set the file that the call is about."""
        self.inode = inode

    def is_about_name(self, name: str | None, inode: Inode | None = None) -> None:
        """Set the name in the session directory that the call is about, or the file behind its path."""
        self.name = name
        self.inode = inode

    def is_about_second_name(self, name: str | None) -> None:
        """Set the second name in the session directory that the call is about."""
        self.name2 = name

    def is_indirectly_about(self, indirect: bool) -> None:
        """Set whether its path leads to its name by a detour."""
        self.indirect = indirect

    def has_waited(self) -> None:
        """Note that it is an flock that had to wait."""
        self.waited = True

    def is_made_again(self, trap_id: int) -> None:
        """Set the number of the notification, for the call was interrupted and is made once more."""
        self.trap_id = trap_id

    def opens_with(self, flags: int) -> None:
        """Set the flags of an open."""
        self.flags = flags


class _NoCall(PendingSyscall):
    """No call of any process: it has no `process`."""

    __slots__ = ()

    def __init__(self) -> None:
        self.trap_id = self.tid = self.flags = 0
        self.call = CALLS[STOP_CALL]
        self.args = ()
        self.inode = self.name = self.name2 = None
        self.indirect = self.waited = False


#: Where a task is stopped before its first stop: nowhere.
NO_CALL: Final[PendingSyscall] = _NoCall()


@mypyc_attr(allow_interpreted_subclasses=True)
class Task:
    """Call before which a lane, or a thread of a child process, is stopped, and the thing that it waits for.

    Attributes:
        status: a constant of `Status`.
        pending: the call before which it was last stopped.
        wake_ns: virtual time at which its sleep ends.
        flock_tried: a waiting flock was tried against the kernel already.
    """

    __slots__ = ("flock_tried", "pending", "status", "wake_ns")

    def __init__(self) -> None:
        self.pending = NO_CALL
        self.status: str = Status.MOVING
        self.wake_ns = 0
        self.flock_tried = False

    def stop(self, pending: PendingSyscall, status: str) -> None:
        """Leave the task stopped before a call."""
        self.pending = pending
        self.status = status

    def sleep(self, pending: PendingSyscall, wake_ns: int) -> None:
        """Leave the task stopped before a call that returns at a virtual time."""
        self.wake_ns = wake_ns
        self.stop(pending, Status.SLEEP)

    def resume(self) -> None:
        """Note that the task was let go."""
        self.status = Status.MOVING

    def fall_asleep(self) -> None:
        """Note that the task sleeps in the kernel."""
        self.status = Status.ASLEEP

    def die(self) -> None:
        """Note that its process is gone."""
        self.status = Status.DEAD

    def copy_stop(self, other: Task) -> None:
        """Take over where another task is stopped and what it waits for."""
        self.pending, self.status = other.pending, other.status
        self.wake_ns, self.flock_tried = other.wake_ns, other.flock_tried

    def wait_for_flock(self) -> None:
        """Leave the task waiting for the flock before which it is stopped."""
        self.status = Status.FLOCK
        self.pending.has_waited()

    def retry_flock(self) -> None:
        """Make the task ready to try its flock again."""
        self.status = Status.FILE

    def retry_flock_once(self) -> bool:
        """Make a waiting task ready unless it has tried already; return whether it is."""
        if self.status is not Status.FLOCK or self.flock_tried:
            return False
        self.flock_tried = True
        self.status = Status.FILE
        return True

    def forget_flock_tries(self) -> None:
        """Allow the task to try its flock against the kernel once more."""
        self.flock_tried = False


class Process:
    """One process as its calls have to be read: memory, descriptors, tasks.

    Args:
        name: the scenario's name of the process, or that of the worker that started it.
        pid: process id.
        listener: the seccomp listener that delivers its calls.

    Attributes:
        first_pid: first process of its PID namespace; 0 where that is the supervisor's.
        fds: files of the session by descriptor, as far as they were looked up.
        tasks: lanes or threads by thread id.
        watch: reads the state of its threads.
        queued: notifications that wait until it is this process's turn, by thread id.
        quiescent: every thread of it is known to be stopped, queued or asleep.
        has_sleepers: some of its threads sleep, so another process may wake them.
        pipe_readers: threads that read from an empty pipe.
        may_wake: its last call may still be waking a sleeper.
        vforking: threads that wait until their child has another program or is gone.
        cloned: it has started a process since its children were last listed.
        unseen: its first thread has ended before others, so that its files cannot be looked at.
        takes_turns: its threads move one at a time, see `thread_turns`.
        runs_freely: they did, and one of them waited for another one without a call; its waits are in real
            time.
    """

    def __init__(self, name: str, pid: int, listener: int) -> None:
        self.name = name
        self.pid = pid
        self.first_pid = 0
        self._own_pid = 0
        self.listener = listener
        self.pidfd = check_descriptor(os.pidfd_open(pid))
        try:
            self.memory = TraceeMemory(pid)
        except (OSError, Shortage):
            os.close(self.pidfd)
            raise
        self.fds: dict[int, Inode | None] = {}
        self.tasks: dict[int, Any] = {}
        self.watch = QuiescenceWatch(pid)
        self.queued: dict[int, PendingSyscall] = {}
        self.quiescent = False
        self.has_sleepers = False
        self.pipe_readers: dict[int, PipeReader] = {}
        self.may_wake = False
        self.vforking: set[int] = set()
        self.cloned = False
        self.unseen = False
        self.takes_turns = self.runs_freely = False
        self._last_turn = -1

    @property
    def own_pid(self) -> int:
        """Return the id by which the processes of its PID namespace know it."""
        if not self.first_pid:
            return self.pid
        if not self._own_pid:
            self._own_pid = id_in_namespace(self.pid)
        return self._own_pid

    # Calls

    def remember_fd(self, fd: int, inode: Inode | None) -> None:
        """Remember the file behind a descriptor; None for one outside the session directory."""
        self.fds[fd] = inode

    def forget_fd(self, fd: int) -> None:
        """Forget a descriptor that is closed."""
        self.fds.pop(fd, None)

    def missed_fd(self) -> None:
        """Note that a descriptor could not be looked at, which most often is not open."""
        if len(self.tasks) > 1 and not self.unseen:
            self.unseen = not os.path.exists(f"/proc/{self.pid}/cwd")

    def notified(self, tid: int) -> None:
        """Note that a thread has stopped before a call, so its last one is over."""
        self.vforking.discard(tid)
        self.pipe_readers.pop(tid, None)
        self.may_wake = False

    def queue(self, pending: PendingSyscall) -> None:
        """Keep a notification until it is this process's turn."""
        self.queued[pending.tid] = pending
        self.settle_if_accounted()

    def take_queued(self, order: Mapping[int, int]) -> Iterator[PendingSyscall]:
        """Yield the queued notifications in an order of threads; unknown threads come last."""
        for tid in sorted(self.queued, key=lambda tid: order.get(tid, len(order))):
            yield self.queued.pop(tid)

    def take_next_queued(self, order: Mapping[int, int]) -> PendingSyscall:
        """Remove and return the queued notification of the thread whose turn is next.

        Args:
            order: the place of each thread; after the last one comes the first one again.
        """
        tid = min(self.queued, key=lambda one: (order[one] <= self._last_turn, order[one]))
        self._last_turn = order[tid]
        return self.queued.pop(tid)

    def take_turns(self) -> None:
        """Note that its threads move one at a time from now on."""
        self.takes_turns = True

    def run_freely(self) -> None:
        """Note that its threads move as they like from now on."""
        self.takes_turns, self.runs_freely = False, True

    def forks(self, tid: int, vfork: bool) -> None:
        """Note that a thread is about to start a process, and with vfork to wait for it."""
        self.cloned = True
        if vfork:
            self.vforking.add(tid)

    def children_listed(self) -> None:
        """Note that all children are known."""
        self.cloned = False

    def may_wake_others(self, may: bool) -> None:
        """Note whether the call that was let go may be waking a sleeper."""
        self.may_wake = may

    # Quiescence

    def moves(self) -> None:
        """Discard the proof that all threads are at rest."""
        self.quiescent = False

    def reads_empty_pipe(self, tid: int, reader: PipeReader) -> None:
        """Note that a thread was let into a read that waits."""
        self.pipe_readers[tid] = reader
        self.settle_if_accounted()

    def settle_if_accounted(self) -> None:
        """Note that the process is at rest if every thread is known not to run."""
        if self.accounted():
            self.quiescent, self.has_sleepers = True, bool(self.pipe_readers)

    def proved_at_rest(self, sleepers: bool) -> None:
        """Keep the proof that all threads are at rest, some of them asleep or none."""
        self.quiescent, self.has_sleepers = True, sleepers

    def disturb(self, pipe: int) -> None:
        """Discard the sleep proof of threads that a change of a pipe may have woken.

        Args:
            pipe: its number; `ANY_SLEEPER` where any sleeper may have been woken.
        """
        if not self.has_sleepers:
            return
        for tid in [tid for tid, one in self.pipe_readers.items() if pipe in (ANY_SLEEPER, one.pipe)]:
            del self.pipe_readers[tid]
        if not self.accounted():
            self.quiescent = False

    def recheck_readers(self) -> None:
        """Discard the sleep proof of threads whose empty pipe has no writer any more."""
        if not self.has_sleepers:
            return
        for tid in [tid for tid, one in self.pipe_readers.items() if not empties(self.pid, one.fd)]:
            del self.pipe_readers[tid]
        if not self.accounted():
            self.quiescent = False

    def settle(self, was_at_rest: bool) -> None:
        """Note that a thread has stopped.

        Args:
            was_at_rest: all threads were, before this one was looked at.
        """
        if was_at_rest and self.takes_turns:
            self.quiescent = True
        else:
            self.settle_if_accounted()

    def forget_queued(self, but: Collection[int]) -> None:
        """Drop the notifications of threads that have ended, but for those that are there."""
        for tid in [tid for tid in self.queued if tid not in but]:
            del self.queued[tid]

    def stopped(self) -> set[int]:
        """Return the threads that are stopped before a call."""
        moving = (Status.MOVING, Status.ASLEEP)
        found = {tid for tid, task in self.tasks.items() if task.status not in moving}
        return found.union(self.queued)

    def accounted(self) -> bool:
        """Return whether every thread is known not to run, without a look at it."""
        return len(self.stopped().union(self.pipe_readers)) == len(self.tasks)

    def several_move(self) -> bool:
        """Return whether more than one thread may be moving."""
        return len(self.tasks) - len(self.stopped().union(self.pipe_readers)) > 1

    def close(self) -> None:
        """Close the descriptors; the process itself is stopped by the gate."""
        os.close(self.pidfd)
        self.memory.close()
        self.watch.close()


def by_own_id(processes: Iterable[Process], pid: int) -> Process | None:
    """Return the process that those of its PID namespace know by an id; None for none of these."""
    return next((process for process in processes if process.own_pid == pid), None)


def respond(process: Process, trap_id: int, value: int = 0, error: int = 0, flags: int = 0) -> None:
    """Answer a notification; do nothing when the task was killed in the meantime."""
    try:
        ioctl(process.listener, NOTIF_SEND, _pack(trap_id, value, error, flags))
    except FileNotFoundError:
        return
