"""Timers of a program in virtual time, as data: when they end, how often, and which signal they send.

`timer_calls` answers the calls that set them, `timer_steps` ends them. Those behind a descriptor are in
`timer_descriptors`.
"""

from __future__ import annotations

import signal

from harness.gates.kernel.program_clock import DATES

__all__ = ["ProgramTimers", "SignalTimer", "Timer"]

#: Numbers of timers begin here; the kernel's own, of clocks that are not virtual, are below.
_FIRST_NUMBER = 1 << 16
_OVERRUN_MAX = (1 << 31) - 1


class Timer:
    """A timer that ends once, or again and again.

    Attributes:
        due_ns: virtual time at which it ends next; 0 while it is not set.
        interval_ns: how long after one end the next one is; 0 for none.
        follows_date: it is set to times of the date, which may be ahead of virtual time.
    """

    def __init__(self) -> None:
        self.due_ns = 0
        self.interval_ns = 0
        self.follows_date = False

    def is_of(self, clock: int) -> None:
        """Take in which clock it is of, by number."""
        self.follows_date = clock in DATES

    def set(self, due_ns: int, interval_ns: int) -> None:
        """Set it, also where it was set already.

        Args:
            due_ns: virtual time at which it ends; 0 for a timer that is not set.
            interval_ns: time between two ends; 0 for only one.
        """
        self.due_ns = due_ns
        self.interval_ns = interval_ns if due_ns else 0

    def left(self, now_ns: int) -> int:
        """Return the nanoseconds until it ends next; 0 where it is not set."""
        if not self.due_ns or self.due_ns > now_ns:
            return max(0, self.due_ns - now_ns) if self.due_ns else 0
        if self.interval_ns:
            return self.interval_ns - (now_ns - self.due_ns) % self.interval_ns
        # It is about to end.
        return 1

    def end(self, now_ns: int) -> int:
        """Take in that its time has come; return how often it has ended by now."""
        if not self.interval_ns:
            self.due_ns = 0
            return 1
        count = (now_ns - self.due_ns) // self.interval_ns + 1
        self.due_ns += count * self.interval_ns
        return count


class SignalTimer(Timer):
    """A timer that sends a signal.

    Args:
        number: of the timer; -1 for the one of setitimer and alarm.
        signal_number: which.
        value: what the signal carries: a number, or a pointer.
        tid: the thread that gets it; 0 for the process.
        silent: it sends none.

    Attributes:
        sent: it has sent a signal since it was set.
        overrun: how often it has ended without a signal of its own since it sent the last one.
    """

    def __init__(
        self, number: int, signal_number: int, value: int = 0, tid: int = 0, silent: bool = False
    ) -> None:
        super().__init__()
        self.number = number
        self.signal_number = signal_number
        self.value = value
        self.tid = tid
        self.silent = silent
        self.sent = False
        self.overrun = 0

    def set(self, due_ns: int, interval_ns: int) -> None:
        """Set it, also where it was set already."""
        super().set(due_ns, interval_ns)
        self.sent = False
        self.overrun = 0

    def left(self, now_ns: int) -> int:
        """Return the nanoseconds until it ends next; 0 where it is not set."""
        over = self.silent and not self.interval_ns and self.due_ns <= now_ns
        return 0 if over else super().left(now_ns)

    def end(self, now_ns: int) -> int:
        """Take in that its time has come; return how often it has ended by now."""
        count = super().end(now_ns)
        self.sent, self.overrun = True, min(count - 1, _OVERRUN_MAX)
        return count

    def end_unfelt(self, now_ns: int) -> None:
        """Take in that its time has come, and that no signal is sent."""
        self.overrun = min(self.overrun + super().end(now_ns), _OVERRUN_MAX)


class ProgramTimers:
    """The timers of one process that send signals.

    Attributes:
        alarm: the timer of setitimer and alarm, which a new program in the process inherits.
        made: those of timer_create, by number; a new program has none.
    """

    def __init__(self) -> None:
        self.alarm = SignalTimer(-1, signal.SIGALRM)
        self.made: dict[int, SignalTimer] = {}
        self._count = 0

    def make(self, signal_number: int, value: int | None, tid: int, silent: bool) -> SignalTimer:
        """Add a timer.

        Args:
            signal_number: the signal that it sends.
            value: what that carries; None for the timer's number.
            tid: the thread that gets it; 0 for the process.
            silent: it sends none.
        """
        number = _FIRST_NUMBER + self._count
        self._count += 1
        timer = SignalTimer(number, signal_number, number if value is None else value, tid, silent)
        self.made[number] = timer
        return timer

    def delete(self, number: int) -> bool:
        """Remove a timer; return whether there was one."""
        return self.made.pop(number, None) is not None

    def forget_made(self) -> None:
        """Remove those of timer_create, for another program has begun."""
        self.made.clear()

    def sending(self) -> list[SignalTimer]:
        """Return the timers that are set and send a signal when they end."""
        return [one for one in (self.alarm, *self.made.values()) if one.due_ns and not one.silent]
