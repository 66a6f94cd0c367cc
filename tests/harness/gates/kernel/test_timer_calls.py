"""Answers of the handlers of calls about timers: in virtual time, of a process that is this test."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gates.kernel import timer_calls
from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.reactions import CONTINUE, Answer
from harness.gates.kernel.timer_descriptors import TimerDescriptors
from tests.harness.gates.kernel.supervised import START_NS, Supervised

pytestmark = pytest.mark.requires("kernel-gate")

SECOND = 1_000_000_000
DONE = Answer()
INVALID, BAD_ADDRESS = Answer(error=-errno.EINVAL), Answer(error=-errno.EFAULT)
NO_WHERE = 1


class Clock:
    """In place of a program's; it stands still."""

    is_new = True
    now_ns = START_NS
    ahead_ns = 0

    def read(self, number: int) -> int:
        return self.now_ns

    def ahead(self) -> int:
        return self.ahead_ns


def spec(seconds: int, fraction: int = 0, every: int = 0) -> bytes:
    return struct.pack("=4q", every, 0, seconds, fraction)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Supervised]:
    gate = Supervised(tmp_path)
    yield gate
    gate.state.timer_descriptors.begin()
    gate.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def program(gate: Supervised, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> TraceeProcess:
    """A process with virtual time."""
    process = gate.child()
    process.program.takes_time_from(clock)
    monkeypatch.setattr(timer_calls, "hand_over", lambda pending, file, flags: file)
    return process


def answered(gate: Supervised, program: TraceeProcess, name: str, *args: int) -> tuple[int, ...]:
    """Return the bytes of a call that reads a timer: interval and time, each in seconds and fraction."""
    buffer = ctypes.create_string_buffer(32)
    place = ctypes.addressof(buffer)
    assert gate.reaction(name, *args, place, process=program) == DONE
    return struct.unpack("=4q", buffer.raw)


@pytest.mark.parametrize("name", sorted(timer_calls.HANDLERS))
def test_without_virtual_time_every_call_is_the_kernel_s(gate: Supervised, name: str) -> None:
    assert gate.reaction(name, 0, NO_WHERE, NO_WHERE, NO_WHERE) is CONTINUE
    assert gate.reaction(name, 0, NO_WHERE, NO_WHERE, NO_WHERE, process=gate.child()) is CONTINUE
    assert not gate.state.timers_set


def test_alarm_tells_the_seconds_left_as_the_kernel_rounds_them(
    gate: Supervised, program: TraceeProcess, clock: Clock
) -> None:
    assert gate.reaction("alarm", 10, process=program) == Answer(0)
    assert gate.state.timers_set
    for passed, left in ((0, 10), (SECOND // 2, 10), (SECOND * 3 // 5, 9), (SECOND * 98 // 10, 1)):
        clock.now_ns = START_NS + passed
        assert gate.reaction("alarm", 10, process=program) == Answer(left)
        clock.now_ns = START_NS
        gate.reaction("alarm", 10, process=program)
    assert gate.reaction("alarm", 0, process=program) == Answer(10)
    assert gate.reaction("alarm", 0, process=program) == Answer(0)


def test_setitimer_and_getitimer_speak_of_microseconds(
    gate: Supervised, program: TraceeProcess, clock: Clock
) -> None:
    assert gate.reaction("setitimer", 0, spec(5, 250_000, every=2), 0, process=program) == DONE
    clock.now_ns += SECOND
    assert answered(gate, program, "getitimer", 0) == (2, 0, 4, 250_000)
    assert answered(gate, program, "setitimer", 0, 0) == (2, 0, 4, 250_000)
    assert answered(gate, program, "getitimer", 0) == (0, 0, 0, 0)


def test_times_that_the_kernel_refuses_are_refused(gate: Supervised, program: TraceeProcess) -> None:
    assert gate.reaction("setitimer", 0, spec(0, 1_000_000), 0, process=program) == INVALID
    assert gate.reaction("setitimer", 0, spec(-1), 0, process=program) == INVALID
    assert gate.reaction("setitimer", 0, NO_WHERE, 0, process=program) == BAD_ADDRESS
    number = made(gate, program)
    assert gate.reaction("timer_settime", number, 0, spec(0, SECOND), 0, process=program) == INVALID
    assert gate.reaction("timer_settime", number, 0, 0, 0, process=program) == INVALID
    assert gate.reaction("timer_settime", number, 0, NO_WHERE, 0, process=program) == BAD_ADDRESS
    assert not gate.state.timers_set


def made(gate: Supervised, program: TraceeProcess, event: bytes | int = 0) -> int:
    number = ctypes.c_int(-1)
    assert gate.reaction("timer_create", 1, event, ctypes.addressof(number), process=program) == DONE
    return number.value


def test_a_timer_has_the_signal_and_value_of_its_event(gate: Supervised, program: TraceeProcess) -> None:
    plain = made(gate, program)
    event = struct.pack("=Qiii44x", 1 << 40, signal.SIGUSR1, 4, os.getpid())
    other = made(gate, program, event)
    first, second = (program.program.own_timers().made[number] for number in (plain, other))
    assert (first.signal_number, first.value, first.tid) == (signal.SIGALRM, plain, 0)
    assert (second.signal_number, second.value, second.tid) == (signal.SIGUSR1, 1 << 40, os.getpid())


@pytest.mark.parametrize(
    ("clock_number", "event"),
    [
        # Processor time of the process, and no clock at all
        (2, b""),
        (99, b""),
        # A signal that there is not, a way that there is not, a thread of another process
        (1, struct.pack("=Qiii44x", 0, 0, 0, 0)),
        (1, struct.pack("=Qiii44x", 0, 65, 0, 0)),
        (1, struct.pack("=Qiii44x", 0, 14, 3, 0)),
        (1, struct.pack("=Qiii44x", 0, 14, 4, 1)),
    ],
)
def test_timers_of_other_clocks_and_nonsense_are_the_kernel_s(
    gate: Supervised, program: TraceeProcess, clock_number: int, event: bytes
) -> None:
    reaction = gate.reaction("timer_create", clock_number, event or 0, NO_WHERE, process=program)
    assert reaction is CONTINUE
    assert not program.program.own_timers().made


def test_a_timer_whose_number_cannot_be_told_is_not_made(gate: Supervised, program: TraceeProcess) -> None:
    assert gate.reaction("timer_create", 1, 0, NO_WHERE, process=program) == BAD_ADDRESS
    assert not program.program.own_timers().made


def test_a_time_may_be_absolute(gate: Supervised, program: TraceeProcess, clock: Clock) -> None:
    number = made(gate, program)
    timer = program.program.own_timers().made[number]
    assert gate.reaction("timer_settime", number, 1, spec(START_NS // SECOND + 7), 0, process=program) == DONE
    assert timer.due_ns == START_NS + 7 * SECOND
    assert gate.reaction("timer_settime", number, 0, spec(7, every=2), 0, process=program) == DONE
    assert timer.due_ns == START_NS + 7 * SECOND
    clock.now_ns += 8 * SECOND
    assert answered(gate, program, "timer_gettime", number) == (2, 0, 1, 0)
    timer.end(clock.now_ns + 10 * SECOND)
    assert gate.reaction("timer_getoverrun", number, process=program) == Answer(5)


def test_a_time_after_the_end_of_time_is_the_end_of_time(gate: Supervised, program: TraceeProcess) -> None:
    number = made(gate, program)
    assert gate.reaction("timer_settime", number, 0, spec((1 << 63) - 1), 0, process=program) == DONE
    assert program.program.own_timers().made[number].due_ns < 1 << 63


def test_a_timer_that_is_deleted_or_unknown_is_the_kernel_s(gate: Supervised, program: TraceeProcess) -> None:
    number = made(gate, program)
    assert gate.reaction("timer_delete", number, process=program) == DONE
    for name in ("timer_delete", "timer_settime", "timer_gettime", "timer_getoverrun"):
        assert gate.reaction(name, number, 0, spec(1), 0, process=program) is CONTINUE


def file_of(gate: Supervised, program: TraceeProcess, flags: int = 0) -> int:
    reaction = gate.reaction("timerfd_create", 1, flags, process=program)
    assert isinstance(reaction, Answer) and reaction.error == 0
    return reaction.value


def test_a_descriptor_is_of_a_timer_that_the_kernel_does_not_set(
    gate: Supervised, program: TraceeProcess, clock: Clock
) -> None:
    fd = file_of(gate, program, os.O_NONBLOCK)
    assert os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:[timerfd]"
    assert gate.reaction("timerfd_settime", fd, 0, spec(0, 1, every=60), 0, process=program) == DONE
    assert "it_value: (0, 0)" in Path(f"/proc/self/fdinfo/{fd}").read_text()
    time.sleep(0.001)
    with pytest.raises(BlockingIOError):
        os.read(fd, 8)
    clock.now_ns += SECOND
    assert answered(gate, program, "timerfd_gettime", fd)[:2] == (60, 0)
    [(timer, holder)] = gate.state.timer_descriptors.held()
    assert holder is program
    timer.add(3)
    timer.add(2)
    assert timer.unread and os.read(fd, 8) == struct.pack("Q", 5)
    timer.add(1)
    assert gate.reaction("timerfd_settime", fd, 0, spec(5), 0, process=program) == DONE
    assert not timer.unread


def test_a_kernel_that_sets_no_count_lets_the_timer_end_once(
    gate: Supervised, program: TraceeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ioctl(*args: object) -> int:
        raise OSError(errno.ENOTTY, "")

    fd = file_of(gate, program, os.O_NONBLOCK)
    gate.reaction("timerfd_settime", fd, 0, spec(5), 0, process=program)
    [(timer, _)] = gate.state.timer_descriptors.held()
    monkeypatch.setattr("harness.gates.kernel.timer_descriptors.fcntl.ioctl", ioctl)
    timer.add(3)
    assert os.read(fd, 8) == struct.pack("Q", 1)
    assert timer.is_at(program, fd)
    with pytest.raises(BlockingIOError):
        os.read(fd, 8)


def test_flags_clocks_and_descriptors_that_make_no_sense(gate: Supervised, program: TraceeProcess) -> None:
    assert gate.reaction("timerfd_create", 11, 0, process=program) is CONTINUE
    assert gate.reaction("timerfd_create", 1, 1, process=program) is CONTINUE
    fd = file_of(gate, program)
    assert gate.reaction("timerfd_settime", fd, 4, spec(1), 0, process=program) == INVALID
    event = os.eventfd(0)
    assert gate.reaction("timerfd_settime", event, 0, spec(1), 0, process=program) is CONTINUE
    assert gate.reaction("timerfd_gettime", event, NO_WHERE, process=program) is CONTINUE
    os.close(event)


def test_a_timer_whose_descriptors_are_closed_is_let_go(gate: Supervised, program: TraceeProcess) -> None:
    registry = TimerDescriptors()
    first = registry.make(gate.worker, 1, 0)
    copy = os.dup(first.file)
    first.set(START_NS, 0)
    assert [timer for timer, _ in registry.held()] == [first]
    # In a test its own file is a descriptor of the process as well; without one no process has it.
    gate.worker.bury(program)
    assert list(registry.held()) == []
    second = registry.make(gate.worker, 1, 0)
    assert registry.at(program, copy) is None
    registry.begin()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(second.file)
    os.close(copy)
