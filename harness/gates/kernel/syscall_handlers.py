"""The handler of each trapped system call.

A handler is a function of the supervisor's state and the pending call that returns a `Reaction`. It
needs no tracee that runs: all that it reads is in the state, in the process's memory and descriptor
table, or in the file system.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.gates.kernel import (
    file_calls,
    other_processes,
    proc_files,
    process_calls,
    sent_signals,
    timer_calls,
    usage_calls,
)
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.reactions import CONTINUE, Reaction
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_table import CALLS, Call

__all__ = ["HANDLERS", "Handler"]

Handler = Callable[[SupervisorState, PendingSyscall], Reaction]


def _noting_signals(handler: Handler) -> Handler:
    """Return a handler that also notes the signal: signals between lanes do not come from outside."""

    def handle(state: SupervisorState, pending: PendingSyscall) -> Reaction:
        reaction = handler(state, pending)
        if reaction is CONTINUE:
            sent_signals.note(state, pending)
        return reaction

    return handle


#: By kind of call, where it is not about a file.
_OF_KIND: dict[str, Handler] = {
    "sleep": process_calls.sleep,
    "random": process_calls.randomness,
    "clock": process_calls.clock,
    "timed": process_calls.timed_wait,
    "start": process_calls.pass_on,
    "yield": process_calls.yielded,
    "task": process_calls.task,
    "event": process_calls.eventfd,
    "table": process_calls.table,
    "wake": process_calls.pass_on,
    "reap": process_calls.pass_on,
    "refused": process_calls.refused,
}
#: By name, where one call of a kind differs from the others.
_OF_NAME: dict[str, Handler] = {
    "fcntl": process_calls.fcntl,
    "sysinfo": proc_files.sysinfo,
    **dict.fromkeys(("sendfile", "splice", "copy_file_range"), file_calls.copied_by_kernel),
    **other_processes.HANDLERS,
    **timer_calls.HANDLERS,
    **usage_calls.HANDLERS,
    **{name: _noting_signals(other_processes.HANDLERS[name]) for name in sent_signals.NUMBER_AT},
}


def _handler_of(call: Call) -> Handler:
    handler = _OF_NAME.get(call.name) or _OF_KIND.get(call.kind)
    if handler is not None:
        return handler
    return file_calls.by_name if call.fd < 0 or call.kind == "open" else file_calls.by_descriptor


#: By name of the call.
HANDLERS: dict[str, Handler] = {call.name: _handler_of(call) for call in CALLS.values()}
