"""Virtual time: which sleeping lanes are ready, and how far time jumps when none is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from harness.gates.kernel.lane import Lane
from harness.gates.kernel.process import Status

__all__ = ["FOREVER_NS", "can_go", "is_held", "sleepers", "wake"]

#: As late as virtual time can be; a sleep without an end ends then.
FOREVER_NS = (1 << 63) - 1

_DOUBLINGS_MAX = 20
#: Time after which a lane asks for a lock again that does not sleep in between.
_ASKS_AGAIN_NS = 1_000_000
_NONE: Mapping[int, int] = MappingProxyType({})
#: Lanes that could go if they were not held; one that waits for a turn is not asked before it has it.
_COULD_GO = (Status.FILE, Status.THINK, Status.TURN, Status.TIMER)


def can_go(lane: Lane, names: Collection[str], now_ns: int, last_ns: int) -> bool:
    """Return whether a sleeping lane is ready, if it then ends its sleep.

    A lane that sleeps because a lock file was in its way is not ready until the file is gone, at any poll
    interval. Then it may be the next one, and time jumps to the end of its sleep: no sleep is shorter than
    it was asked for.

    Args:
        lane: that sleeps.
        names: of the files that are there.
        now_ns: the time.
        last_ns: until when time may jump (`time_jumps.may_jump_to`).
    """
    if lane.poll_name is not None:
        return lane.poll_name not in names and lane.wake_ns <= max(now_ns, last_ns)
    return now_ns >= lane.wake_ns


def is_held(lane: Lane, names: Collection[str], now_ns: int, last_ns: int) -> bool:
    """Return whether a lane may not go on yet: it is stopped, or its adapter waits.

    An adapter that polls for a lock may be the next one once that is free, as one that sleeps virtually.
    """
    if lane.held_ns <= now_ns:
        return False
    return lane.held_for is None or lane.held_for in names or lane.held_ns > last_ns


def sleepers(lanes: Sequence[Lane], now_ns: int, asking: Mapping[int, int] = _NONE) -> list[Lane]:
    """Return the lanes that go on when time has come, see `wake`."""
    return [
        lane
        for lane in lanes
        if lane.status is Status.SLEEP
        or lane.index in asking
        or (lane.status in _COULD_GO and lane.held_ns > now_ns)
    ]


def wake(
    lanes: Sequence[Lane], now_ns: int, asking: Mapping[int, int] = _NONE, timer_ns: int | None = None
) -> tuple[list[Lane], int]:
    """Jump to the next sleeper's wake-up, for no lane can go.

    A lane that polls for a lock that no lane is about to release oversleeps more and
    more, as a busy machine would make it; a time-out of a minute at 50 ms a poll
    would take thousands of steps otherwise. It never sleeps past another's wake-up.

    A lane that is held, stopped or in a slow call, goes on when that is over, if it could go at all.

    Args:
        lanes: that might go on.
        now_ns: the time.
        asking: how often lanes that wait for a lock, and ask for it again and again, have done so since the
            last time when another lane could go, by index (`lock_polls`).
        timer_ns: when the first timer ends, before or at which no sleeper wakes; None for no timer.

    Returns:
        The lanes that wake, and the time it then is.
    """
    waiting = sleepers(lanes, now_ns, asking)
    if not waiting:
        return [], now_ns if timer_ns is None else max(now_ns, timer_ns)
    due = {}
    for lane in waiting:
        spare = max(0, lane.wake_ns - now_ns) if lane.status is Status.SLEEP else 0
        if lane.index in asking:
            spare = (spare or _ASKS_AGAIN_NS) << min(asking[lane.index], _DOUBLINGS_MAX)
        elif lane.poll_name is not None:
            spare <<= min(lane.poll_count, _DOUBLINGS_MAX)
        due[lane.index] = max(lane.held_ns, min(now_ns + spare, FOREVER_NS))
    then = max(now_ns, min(due.values()))
    if timer_ns is not None and timer_ns <= then:
        return [], max(now_ns, timer_ns)
    woken = [lane for lane in waiting if due[lane.index] <= then]
    for lane in woken:
        if lane.poll_name is not None and lane.status is Status.SLEEP:
            lane.oversleep()
    return woken, then
