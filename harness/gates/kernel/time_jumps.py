"""The time to which virtual time jumps: where no lane can go on, or for one that waits for a free lock."""

from __future__ import annotations

from collections.abc import Sequence

from harness.gates.kernel.lane import Lane
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.timer_steps import first_timer_ns, show_due
from harness.gates.kernel.virtual_clock import sleepers, wake

__all__ = ["jump", "may_jump_to"]

#: By so much time may jump for a lane that is the next to ask for a lock, while other lanes could go.
_EARLY_NS = 1_000_000_000


def may_jump_to(state: SupervisorState) -> int:
    """Return until when time may jump at a step with which a lane asks for a lock that is free again.

    Args:
        state: of the supervisor.

    Returns:
        Virtual time in nanoseconds, before the end of each timer, for that would interrupt the lane before.
    """
    last_ns = state.later(_EARLY_NS)
    timer_ns = first_timer_ns(state) if state.timers_set else None
    return last_ns if timer_ns is None else min(last_ns, timer_ns - 1)


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
