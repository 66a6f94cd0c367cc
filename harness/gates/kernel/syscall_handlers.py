"""The handler of each trapped system call.

A handler is a function of the supervisor's state and the pending call that returns a `Reaction`. It
needs no tracee that runs: whatever it reads is in the state, in the process's memory and descriptor
table, or in the file system.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.gates.kernel import file_calls, other_processes, process_calls
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.reactions import Reaction
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_table import CALLS, Call

__all__ = ["HANDLERS", "Handler"]

Handler = Callable[[SupervisorState, PendingSyscall], Reaction]

#: By kind of call, where it is not about a file.
_OF_KIND: dict[str, Handler] = {
    "park": process_calls.park,
    "sleep": process_calls.sleep,
    "random": process_calls.randomness,
    "task": process_calls.task,
    "event": process_calls.eventfd,
    "table": process_calls.table,
    "wake": process_calls.pass_on,
    "reap": process_calls.pass_on,
    "refused": process_calls.refused,
}
#: By name, where one call of a kind differs from the others.
_OF_NAME: dict[str, Handler] = {"fcntl": process_calls.fcntl, **other_processes.HANDLERS}


def _handler_of(call: Call) -> Handler:
    handler = _OF_NAME.get(call.name) or _OF_KIND.get(call.kind)
    if handler is not None:
        return handler
    return file_calls.by_name if call.fd < 0 or call.kind == "open" else file_calls.by_descriptor


#: By name of the call.
HANDLERS: dict[str, Handler] = {call.name: _handler_of(call) for call in CALLS.values()}
