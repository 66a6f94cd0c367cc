"""Signals that processes of a schedule send: to which process, and whether that is the sender itself."""

from __future__ import annotations

import os
from typing import Final

from harness.gates.kernel.other_processes import process_of_descriptor
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.quiescence import id_in_namespace
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["NUMBER_AT", "note"]

#: Calls that send a signal, by the place of its number among their arguments.
NUMBER_AT: Final = {
    "kill": 1,
    "tkill": 1,
    "tgkill": 2,
    "rt_sigqueueinfo": 1,
    "rt_tgsigqueueinfo": 2,
    "pidfd_send_signal": 1,
}


def note(state: SupervisorState, pending: PendingSyscall) -> None:
    """Note the signal that a call is about to send."""
    process, number = pending.process, signed(pending.args[NUMBER_AT[pending.call.name]])
    target = _target(state, pending)
    state.signals.sent(target, number, by_itself=target == process.pid)
    if pending.call.name == "kill" and _is_own_group(process.pid, signed(pending.args[0])):
        state.signals.sent(process.pid, number, by_itself=True)


def _target(state: SupervisorState, pending: PendingSyscall) -> int:
    """Return the process that gets the signal; 0 where that is not known, or not one alone."""
    name, first, process = pending.call.name, signed(pending.args[0]), pending.process
    if name == "pidfd_send_signal":
        return process_of_descriptor(process, first)
    if name == "tkill":
        own = id_in_namespace(pending.tid) if process.first_pid else pending.tid
        return process.pid if first == own else 0
    return state.process_id(first)


def _is_own_group(pid: int, target: int) -> bool:
    """Return whether kill(2) sends to the group of the process that calls it."""
    if target == 0:
        return True
    try:
        return target < -1 and id_in_namespace(os.getpgid(pid)) == -target
    except OSError:
        return False
