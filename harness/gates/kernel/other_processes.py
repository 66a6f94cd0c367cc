"""Calls about a process: those of the session may be meant, any other one is let alone.

Such a call names a process by its plain arguments, which nothing can change before the kernel reads them;
but for a process behind a descriptor, where Landlock stands behind the answer that is given here.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Final

from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.quiescence import filters_of
from harness.gates.kernel.reactions import CONTINUE, Answer, Continue, Reaction
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["HANDLERS", "in_session", "process_of_descriptor"]

_NOT_PERMITTED: Final = Answer(error=-errno.EPERM)
_NO_SUCH_PROCESS: Final = Answer(error=-errno.ESRCH)
_IS_THERE: Final = Answer()

_EVERY_PROCESS = -1
_FIRST = 1
_ANCESTORS_MAX = 64
#: Ways of sharing a processor that any process may choose.
_ORDINARY = (os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_IDLE)


def in_session(state: SupervisorState, pid: int) -> bool:
    """Return whether a process or thread is a worker, or was started by one.

    Args:
        pid: its id; one that does not exist is in no session.
    """
    for _ in range(_ANCESTORS_MAX):
        group, parent = _group_and_parent(pid)
        for worker in state.workers.values():
            if worker.pid in (group, parent) or group in worker.tracees:
                return True
        if parent == os.getpid():
            # A process that has lost its parent comes to us, and is known by the filter that it inherited.
            return filters_of(group) > filters_of(parent)
        if parent and parent in [worker.first_pid for worker in state.workers.values()]:
            return True
        if parent <= 1:
            return False
        pid = parent
    return False


def _group_and_parent(pid: int) -> tuple[int, int]:
    """Return a thread's process and its parent; 0 and 0 when it is gone."""
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in ("Tgid", "PPid"):
                    found[name] = int(value)
    except OSError:
        return 0, 0
    return found.get("Tgid", 0), found.get("PPid", 0)


def _group_in_session(state: SupervisorState, process: Process, group: int) -> bool:
    """Return whether a process group is of the session.

    A worker has a terminal session of its own, so no process of another one can be in its groups.
    """
    if group == 0 or process.first_pid:
        return group != _FIRST
    try:
        return os.getsid(group) == os.getsid(process.pid) or in_session(state, group)
    except OSError:
        # Its leader is gone.
        pids = [one.pid for worker in state.workers.values() for one in worker.processes()]
        return any(_group_of(pid) == group for pid in pids)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _about(state: SupervisorState, process: Process, pid: int) -> Continue | Answer:
    """React to a call about a process or thread."""
    if process.first_pid:
        # All that it can name is of the session, but for the first process of the namespace.
        return CONTINUE if pid != _FIRST else _NOT_PERMITTED
    if pid in (0, process.pid) or pid in process.tasks or in_session(state, pid):
        return CONTINUE
    return _NOT_PERMITTED if os.path.exists(f"/proc/{pid}") else _NO_SUCH_PROCESS


def _signal(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """React to kill(2): to one process, to a group, or to all there are."""
    process, pid = pending.process, signed(pending.args[0])
    if state.namespaces.several and state.namespaces.hides(process, pid):
        return _NO_SUCH_PROCESS
    if pid == _EVERY_PROCESS:
        return _NOT_PERMITTED
    inside = _group_in_session(state, process, -pid) if pid < 0 else _about(state, process, pid) is CONTINUE
    if inside:
        return CONTINUE
    if process.first_pid:
        return _NOT_PERMITTED if pending.args[1] else _IS_THERE
    if pending.args[1]:
        return _NOT_PERMITTED if _exists(pid) is _IS_THERE else _NO_SUCH_PROCESS
    return _exists(pid)


def _exists(pid: int) -> Answer:
    """Answer whether a process or a group of processes is there, which is all that signal 0 asks."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return _NO_SUCH_PROCESS
    except PermissionError:
        return _NOT_PERMITTED
    return _IS_THERE


def _first_argument(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    return _about(state, pending.process, signed(pending.args[0]))


def process_of_descriptor(process: Process, fd: int) -> int:
    """Return the process that a descriptor stands for; 0 for none, or one that is gone.

    Raises:
        OSError: there is no such descriptor.
    """
    with open(f"/proc/{process.pid}/fdinfo/{fd}", encoding="ascii") as facts:
        for line in facts:
            if line.startswith("Pid:"):
                return max(0, int(line.split()[1]))
    # A descriptor of a folder of /proc, which names a process as well.
    name = os.readlink(f"/proc/{process.pid}/fd/{fd}").removeprefix("/proc/")
    return int(name) if name.isdigit() else 0


def _by_descriptor(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """React to pidfd_send_signal(2)."""
    pid = process_of_descriptor(pending.process, signed(pending.args[0]))
    # A process that is gone, or no process at all: the kernel says so.
    return _about(state, pending.process, pid) if pid > 0 else CONTINUE


def _limit(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """React to prlimit64(2), which may only look."""
    return _first_argument(state, pending) if pending.args[2] else CONTINUE


def _when_to_run(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """React to a call that says where or when a thread runs; for a program, `thread_turns` decides that."""
    reaction, process = _first_argument(state, pending), pending.process
    if reaction is not CONTINUE or not isinstance(process, TraceeProcess) or process.program.clock is None:
        return reaction
    if pending.call.name == "sched_setscheduler" and signed(pending.args[1]) not in _ORDINARY:
        # The kernel permits none of the others.
        return CONTINUE
    return _IS_THERE


def _by_kind(process: int, group: int) -> Callable[[SupervisorState, PendingSyscall], Reaction]:
    """Return a handler of a call that names a process, a process group or a user."""

    def handle(state: SupervisorState, pending: PendingSyscall) -> Reaction:
        kind, which = signed(pending.args[0]), signed(pending.args[1])
        if kind == process:
            return _about(state, pending.process, which)
        if kind == group and _group_in_session(state, pending.process, which):
            return CONTINUE
        return _NOT_PERMITTED

    return handle


#: By name of the call; any other one names a process or thread by its first argument.
HANDLERS: dict[str, Callable[[SupervisorState, PendingSyscall], Reaction]] = {
    "kill": _signal,
    "pidfd_send_signal": _by_descriptor,
    "prlimit64": _limit,
    "setpriority": _by_kind(0, 1),
    "ioprio_set": _by_kind(1, 2),
    "sched_setaffinity": _when_to_run,
    "sched_setscheduler": _when_to_run,
    **dict.fromkeys(
        (
            *("tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open"),
            *("sched_setparam", "sched_setattr"),
        ),
        _first_argument,
    ),
}
