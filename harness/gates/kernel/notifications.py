"""The supervisor's loop body: receive a notification, dispatch it to its handler, apply the reaction.

How long to receive and in which order to react is up to the three ways of waiting: `single_process`,
`process_scheduler` and `fast_path`.
"""

from __future__ import annotations

import errno
from typing import Final

from harness.gates.kernel import linux_abi
from harness.gates.kernel.lane import Worker
from harness.gates.kernel.linux_abi import RESPONSE_CONTINUE
from harness.gates.kernel.process import PendingSyscall, Status, Task, respond
from harness.gates.kernel.reactions import CONTINUE, STOP_AT_FILE, Answer, Inconclusive, Reaction, Stop
from harness.gates.kernel.receiving import notification
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_handlers import HANDLERS
from harness.gates.kernel.syscall_table import CALLS

__all__ = ["apply", "react", "receive"]

#: Answers with these are the harness's own: elsewhere the call might go well.
_REFUSALS: Final = frozenset({-errno.EROFS, -errno.EPERM, -errno.EACCES, -errno.ENOSYS})
_FILE: Final = Status.FILE
_unpack: Final = linux_abi.NOTIF.unpack


def receive(state: SupervisorState, worker: Worker) -> PendingSyscall:
    """Receive one notification of a worker or of a process that it started.

    Returns:
        The call; its process is the worker until `process_tree.identify` says otherwise.

    Raises:
        InterruptedError: the watchdog's tick came first.
        FileNotFoundError: no process is left behind the listener.
    """
    trap_id, tid, number, *args = _unpack(notification(worker.listener))
    state.received(tid)
    return PendingSyscall(trap_id, CALLS[number], args, worker, tid)


def react(state: SupervisorState, pending: PendingSyscall) -> None:
    """Dispatch a call to its handler and apply the reaction."""
    try:
        reaction = HANDLERS[pending.call.name](state, pending)
    except OSError:
        # Its arguments point nowhere; the kernel will say so.
        reaction = CONTINUE
    if reaction is STOP_AT_FILE:
        task: Task = pending.process.tasks[pending.tid]
        task.stop(pending, _FILE)
    elif reaction is CONTINUE:
        respond(pending.process, pending.trap_id, 0, 0, RESPONSE_CONTINUE)
    else:
        apply(state, pending, reaction)


def apply(state: SupervisorState, pending: PendingSyscall, reaction: Reaction) -> None:
    """Apply a reaction of any kind to a call."""
    if isinstance(reaction, Inconclusive):
        state.note_inconclusive(reaction.reason)
        reaction = reaction.then
    process = pending.process
    if isinstance(reaction, Answer):
        if reaction.error in _REFUSALS:
            state.refused(pending, -reaction.error)
        respond(process, pending.trap_id, reaction.value, reaction.error)
    elif not isinstance(reaction, Stop):
        respond(process, pending.trap_id, flags=RESPONSE_CONTINUE)
    elif reaction.status is Status.SLEEP:
        process.tasks[pending.tid].sleep(pending, reaction.wake_ns)
    else:
        process.tasks[pending.tid].stop(pending, reaction.status)
