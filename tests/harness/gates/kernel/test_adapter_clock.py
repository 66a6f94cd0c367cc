"""The date as threads of an adapter see it, and what stands in memory while the kernel waits for a date."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest

from harness.gates.kernel.adapter_clock import AdapterClock
from harness.gates.kernel.linux_abi import NUMBERS
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.syscall_table import CALLS

# Processes are stand-ins here, which compiled functions refuse.
pytestmark = pytest.mark.requires("modules from source")

NOW_NS = 1_000_000_000_000_000_000
SECOND, MS = 1_000_000_000, 1_000_000
AT = 64
#: FUTEX_WAIT_BITSET by CLOCK_REALTIME, and by CLOCK_MONOTONIC.
BY_DATE, BY_STEADY = 0x109, 9
TIMESPEC = struct.Struct("=2q")


class Memory:
    """Memory of a process, and the machine's clocks, which a test sets."""

    def __init__(self) -> None:
        self.data = bytearray(256)
        self.memory = self

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        self.data[address : address + len(data)] = data

    @property
    def time_ns(self) -> int:
        seconds, rest = TIMESPEC.unpack_from(self.data, AT)
        return int(seconds * SECOND + rest)

    def put(self, at_ns: int) -> None:
        TIMESPEC.pack_into(self.data, AT, *divmod(at_ns, SECOND))


class Machine:
    """The machine's clocks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steady_ns, self.date_ns = 5 * SECOND, 2 * NOW_NS
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.steady_ns)
        monkeypatch.setattr(time, "time_ns", lambda: self.date_ns)

    def passes(self, duration_ns: int) -> None:
        self.steady_ns += duration_ns
        self.date_ns += duration_ns


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture
def clock() -> AdapterClock:
    return AdapterClock()


def call(memory: Memory, name: str, *args: int, tid: int = 1) -> PendingSyscall:
    process: Any = memory
    return PendingSyscall(0, CALLS[NUMBERS[name]], [*args, *[0] * (6 - len(args))], process, tid)


def polls(clock: AdapterClock, milliseconds: int, tid: int = 1) -> None:
    clock.kernel_waits(call(Memory(), "poll", 0, 0, milliseconds, tid=tid), NOW_NS, 0)


def test_a_wait_that_took_its_time_counts_for_its_thread(clock: AdapterClock, machine: Machine) -> None:
    assert clock.read(1, NOW_NS) == NOW_NS
    polls(clock, 100)
    machine.passes(100 * MS)
    assert clock.read(2, NOW_NS) == NOW_NS
    assert clock.read(1, NOW_NS) == NOW_NS + 100 * MS


def test_a_wait_that_ended_earlier_does_not_count(clock: AdapterClock, machine: Machine) -> None:
    clock.read(1, NOW_NS)
    polls(clock, 100)
    machine.passes(99 * MS)
    assert clock.read(1, NOW_NS) == NOW_NS


def test_waits_before_a_request_do_not_count(clock: AdapterClock, machine: Machine) -> None:
    clock.read(1, NOW_NS)
    for _ in range(3):
        polls(clock, 100)
        machine.passes(100 * MS)
    clock.request_begins()
    assert clock.read(1, NOW_NS) == NOW_NS


def test_the_date_never_goes_back_in_a_schedule(clock: AdapterClock, machine: Machine) -> None:
    clock.read(1, NOW_NS)
    polls(clock, 100)
    machine.passes(100 * MS)
    assert clock.read(1, NOW_NS) == clock.read(1, NOW_NS + MS) == NOW_NS + 100 * MS
    clock.begin()
    assert clock.read(1, NOW_NS) == NOW_NS


def test_a_thread_that_reads_on_and_on_sees_the_date_move(clock: AdapterClock) -> None:
    reads = [clock.read(1, NOW_NS) - NOW_NS for _ in range(11_001)]
    assert set(reads[:1000]) == {0} and reads == sorted(reads)
    assert reads[-1] > 10 * SECOND
    assert clock.read(2, NOW_NS) == NOW_NS


@pytest.mark.parametrize(
    ("name", "args"),
    [("futex", (0, BY_DATE, 0, AT)), ("clock_nanosleep", (0, 1, AT)), ("timerfd_settime", (3, 1, AT - 16))],
)
def test_the_kernel_finds_the_machines_date(
    clock: AdapterClock, machine: Machine, name: str, args: tuple[int, ...]
) -> None:
    memory = Memory()
    memory.put(NOW_NS + 7 * SECOND)
    clock.kernel_waits(call(memory, name, *args), NOW_NS, 5 * SECOND)
    assert memory.time_ns == machine.date_ns + 2 * SECOND
    clock.returned(1)
    assert memory.time_ns == NOW_NS + 7 * SECOND


@pytest.mark.parametrize("flags", [BY_DATE, BY_STEADY])
def test_times_of_the_machine_stay_as_they_are(clock: AdapterClock, machine: Machine, flags: int) -> None:
    memory = Memory()
    until_ns = (machine.date_ns if flags == BY_DATE else machine.steady_ns) + SECOND
    memory.put(until_ns)
    clock.read(1, NOW_NS)
    clock.kernel_waits(call(memory, "futex", 0, flags, 0, AT), NOW_NS, 0)
    assert memory.time_ns == until_ns
    machine.passes(SECOND)
    assert clock.read(1, NOW_NS) == NOW_NS + SECOND


def test_a_date_that_the_adapter_has_set_anew_stays(clock: AdapterClock, machine: Machine) -> None:
    memory = Memory()
    memory.put(NOW_NS + SECOND)
    clock.kernel_waits(call(memory, "futex", 0, BY_DATE, 0, AT), NOW_NS, 0)
    memory.put(NOW_NS + 9 * SECOND)
    clock.returned(1)
    assert memory.time_ns == NOW_NS + 9 * SECOND


def test_a_lane_waits_as_long_as_its_thread_has_waited(clock: AdapterClock, machine: Machine) -> None:
    clock.acts(1)
    for milliseconds in (49, 10):
        polls(clock, milliseconds)
        machine.passes(milliseconds * MS)
    clock.returned(1)
    assert clock.take_waited(2) == 0
    assert clock.take_waited(1) == 59 * MS
    assert clock.take_waited(1) == 0


def test_an_answered_request_leaves_the_longest_wait_of_a_thread_that_acts(
    clock: AdapterClock, machine: Machine
) -> None:
    clock.acts(1)
    polls(clock, 50, tid=1)
    polls(clock, 90, tid=2)
    machine.passes(100 * MS)
    clock.returned(1)
    clock.returned(2)
    clock.request_ends()
    clock.request_begins()
    assert clock.take_waited() == 50 * MS


def test_short_waits_of_an_interpreter_are_no_time_of_a_lane(clock: AdapterClock, machine: Machine) -> None:
    clock.acts(1)
    for _ in range(9):
        polls(clock, 5)
        machine.passes(5 * MS)
    clock.returned(1)
    assert clock.take_waited(1) == 0


def test_the_wait_that_ends_next_is_of_a_thread_that_acts(clock: AdapterClock, machine: Machine) -> None:
    assert clock.next_end() is None
    polls(clock, 30, tid=2)
    found = clock.next_end()
    assert found is not None and found - machine.steady_ns > 30 * MS
    clock.acts(1)
    polls(clock, 100, tid=1)
    found = clock.next_end()
    assert found is not None and found - machine.steady_ns > 100 * MS
    machine.passes(200 * MS)
    assert clock.next_end() is None
