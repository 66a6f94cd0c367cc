"""The time to which virtual time jumps when no lane can go on."""

from __future__ import annotations

from collections.abc import Sequence

from harness.gates.kernel.lane import Lane
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.timer_steps import first_timer_ns, show_due
from harness.gates.kernel.virtual_clock import sleepers, wake

__all__ = ["jump"]


def jump(state: SupervisorState, lanes: Sequence[Lane]) -> list[Lane]:
    """Let time go on to where the first sleeper wakes or the first timer ends.

    Args:
        state: of the supervisor.
        lanes: those that could wake.

    Returns:
        The lanes that go on then; none where a timer comes first, or at the same time, or where all lanes
        wait in vain for locks.
    """
    polls = state.polls
    timer_ns = first_timer_ns(state) if state.timers_set else None
    asking = polls.kept_back(lanes) if polls.asking else {}
    if polls.asking and timer_ns is None and polls.in_vain(sleepers(lanes, state.now_ns, asking)):
        return []
    woken, now_ns = wake(lanes, state.now_ns, asking, timer_ns)
    state.set_time(now_ns)
    if polls.asking:
        polls.woken(woken)
    if state.timers_set:
        show_due(state)
    return woken
