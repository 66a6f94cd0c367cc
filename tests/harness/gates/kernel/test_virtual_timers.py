"""Timers as data: when they end, what is left of them, and how often they ended."""

from __future__ import annotations

import signal

from harness.gates.kernel.virtual_timers import ProgramTimers, SignalTimer, Timer

SECOND = 1_000_000_000


def test_a_timer_ends_once_and_is_not_set_any_more() -> None:
    timer = Timer()
    timer.set(10 * SECOND, 0)
    assert timer.left(4 * SECOND) == 6 * SECOND
    assert timer.end(10 * SECOND) == 1
    assert (timer.due_ns, timer.left(11 * SECOND)) == (0, 0)


def test_one_that_is_about_to_end_has_something_left() -> None:
    timer = Timer()
    timer.set(SECOND, 0)
    assert timer.left(2 * SECOND) == 1


def test_an_interval_timer_counts_missed_ends_and_keeps_its_beat() -> None:
    timer = Timer()
    timer.set(10 * SECOND, 4 * SECOND)
    assert timer.left(15 * SECOND) == 3 * SECOND
    assert timer.end(19 * SECOND) == 3
    assert timer.due_ns == 22 * SECOND


def test_an_interval_without_a_time_sets_nothing() -> None:
    timer = Timer()
    timer.set(0, SECOND)
    assert (timer.due_ns, timer.interval_ns) == (0, 0)


def test_ends_without_a_signal_are_its_overrun_until_it_sends_one() -> None:
    timer = SignalTimer(1, signal.SIGALRM)
    timer.set(SECOND, SECOND)
    timer.end(3 * SECOND)
    assert (timer.sent, timer.overrun) == (True, 2)
    timer.end_unfelt(5 * SECOND)
    assert timer.overrun == 4
    timer.end(6 * SECOND)
    assert timer.overrun == 0
    timer.set(SECOND, SECOND)
    assert not timer.sent


def test_an_overrun_is_no_more_than_a_program_can_read() -> None:
    timer = SignalTimer(1, signal.SIGALRM)
    timer.set(1, 1)
    timer.end(1 << 40)
    timer.end_unfelt(1 << 41)
    assert timer.overrun == (1 << 31) - 1


def test_a_silent_timer_is_over_without_a_step() -> None:
    timers = ProgramTimers()
    timer = timers.make(0, None, 0, silent=True)
    timer.set(SECOND, 0)
    assert timers.sending() == []
    assert (timer.left(SECOND // 2), timer.left(SECOND)) == (SECOND // 2, 0)


def test_another_program_keeps_the_alarm_and_no_other_timer() -> None:
    timers = ProgramTimers()
    made = timers.make(signal.SIGUSR1, None, 0, silent=False)
    assert made.value == made.number and timers.made == {made.number: made}
    made.set(SECOND, 0)
    timers.alarm.set(SECOND, 0)
    assert timers.sending() == [timers.alarm, made]
    timers.forget_made()
    assert timers.sending() == [timers.alarm]
    assert not timers.delete(made.number)
    # Numbers are not given twice.
    assert timers.make(signal.SIGUSR1, None, 0, silent=False).number == made.number + 1
