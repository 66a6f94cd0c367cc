"""Answers of each handler to a pending call: values, so that no tracee has to run."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.gates.kernel.directory_limits import DEPTH_MAX, NAMES_MAX
from harness.gates.kernel.eventfd import NUMBERS, OCCUPIED
from harness.gates.kernel.file_calls import by_name
from harness.gates.kernel.process import Status
from harness.gates.kernel.reactions import CONTINUE, STOP_AT_FILE, Answer, Inconclusive, Reaction, Stop
from harness.gates.kernel.virtual_clock import FOREVER_NS
from harness.model.stop_reasons import ANSWERED, ASK, IDLE, PAUSE, SERVE, SLEEP, THINK, TURN, stop_arguments
from tests.harness.gates.kernel.supervised import START_NS, Supervised

pytestmark = pytest.mark.requires("kernel-gate")

REFUSED = Answer(error=-errno.EROFS)
MS = 1_000_000
SECOND = 1_000_000_000


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Supervised]:
    """Its processes are in two PID namespaces."""
    supervised = Supervised(tmp_path, ("one", "two"))
    yield supervised
    supervised.close()


# File calls by name


def test_an_open_in_the_session_directory_stops_with_its_flags(gate: Supervised) -> None:
    pending = gate.pending("openat", -100, gate.inside("transcript.jsonl"), os.O_WRONLY | os.O_APPEND)
    assert by_name(gate.state, pending) is STOP_AT_FILE
    assert (pending.name, pending.flags) == ("transcript.jsonl", os.O_WRONLY | os.O_APPEND)


def test_an_open_for_reading_elsewhere_continues(gate: Supervised) -> None:
    assert gate.openat(b"/etc/hostname") is CONTINUE


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_APPEND])
def test_an_open_for_writing_elsewhere_is_refused(gate: Supervised, flags: int) -> None:
    assert gate.openat(b"/etc/hostname", flags) == REFUSED


def test_a_device_may_be_written(gate: Supervised) -> None:
    assert gate.openat(b"/dev/null", os.O_WRONLY) is CONTINUE


def test_between_schedules_a_write_elsewhere_continues(gate: Supervised) -> None:
    gate.state.guard(False)
    assert gate.openat(b"/etc/hostname", os.O_WRONLY) is CONTINUE


def test_a_rename_out_of_the_session_directory_is_refused(gate: Supervised) -> None:
    inside, outside = gate.inside("transcript.jsonl"), b"/tmp/elsewhere"
    assert gate.reaction("rename", inside, outside) == REFUSED
    assert gate.reaction("rename", outside, inside) == REFUSED
    assert gate.reaction("rename", inside, gate.inside("other")) is STOP_AT_FILE


def test_a_mkdir_of_the_session_directory_says_that_it_exists(gate: Supervised) -> None:
    path = os.fsencode(gate.directory)
    assert gate.reaction("mkdir", path, 0o700) == Answer(error=-errno.EEXIST)
    assert gate.reaction("rmdir", path) == Answer(error=-errno.EBUSY)


def test_a_directory_or_a_file_without_a_name_is_a_step(gate: Supervised) -> None:
    assert gate.reaction("mkdir", gate.inside("folder"), 0o700) is STOP_AT_FILE
    assert gate.openat(os.fsencode(gate.directory), os.O_TMPFILE | os.O_WRONLY) is STOP_AT_FILE


def test_going_into_the_session_directory_is_no_step_and_into_another_is(gate: Supervised) -> None:
    assert gate.reaction("chdir", os.fsencode(gate.directory)) is CONTINUE
    assert gate.reaction("chdir", gate.inside("folder")) is STOP_AT_FILE
    assert gate.reaction("chdir", b"/tmp") is CONTINUE


@pytest.mark.parametrize(("call", "made"), [("mkdir", True), ("rmdir", False), ("newfstatat", False)])
def test_making_names_too_deep_or_too_many_is_inconclusive(gate: Supervised, call: str, made: bool) -> None:
    os.mkdir(f"{gate.directory}/a")
    gate.state.files.rescan()

    def reaction(path: str) -> Reaction:
        at = (-100,) if call == "newfstatat" else ()
        return gate.reaction(call, *at, gate.inside(path), 0o700)

    assert reaction("/".join("a" * DEPTH_MAX)) is STOP_AT_FILE
    deep = reaction("/".join("a" * (DEPTH_MAX + 1)))
    assert (isinstance(deep, Inconclusive) and "32 deep" in deep.reason) == made
    gate.state.files.names.update({str(number): gate.state.files.names["a"] for number in range(NAMES_MAX)})
    many = reaction("b")
    assert (isinstance(many, Inconclusive) and "4096 names" in many.reason) == made


def test_a_call_by_an_unknown_thread_inside_is_inconclusive(gate: Supervised) -> None:
    reaction = gate.openat(gate.inside("transcript.jsonl"), tid=1)
    assert isinstance(reaction, Inconclusive)
    assert "a thread of process p that is no lane" in reaction.reason
    assert reaction.then is CONTINUE


def test_a_call_by_an_unknown_thread_outside_is_handled_alike(gate: Supervised) -> None:
    assert gate.openat(b"/etc/hostname", tid=1) is CONTINUE
    assert gate.openat(b"/etc/hostname", os.O_WRONLY, tid=1) == REFUSED


def test_proc_of_another_namespace_does_not_exist(apart: Supervised) -> None:
    hidden = Answer(error=-errno.ENOENT)
    foreign = apart.child()
    foreign.name = "q"
    path = b"/proc/%d/stat" % os.getpid()
    assert apart.openat(path) is CONTINUE
    assert apart.reaction("openat", -100, path, os.O_RDONLY, process=foreign) == hidden


# File calls by descriptor


def test_a_call_on_a_session_file_stops_and_remembers_it(gate: Supervised) -> None:
    with open(gate.directory / "transcript.jsonl", "rb") as file:
        assert gate.reaction("read", file.fileno(), 0, 1) is STOP_AT_FILE
        inode = gate.worker.fds[file.fileno()]
    assert inode is gate.state.files.names["transcript.jsonl"]


def test_a_call_on_another_descriptor_continues_until_close(gate: Supervised) -> None:
    with open("/etc/hostname", "rb") as file:
        fd = file.fileno()
        assert gate.reaction("read", fd, 0, 1) is CONTINUE
        assert gate.worker.fds == {fd: None}
        assert gate.reaction("close", fd) is CONTINUE
        assert gate.worker.fds == {}


def test_a_session_file_under_a_reserved_number_is_inconclusive(gate: Supervised) -> None:
    with open(gate.directory / "transcript.jsonl", "rb") as file:
        os.dup2(file.fileno(), NUMBERS.start)
    try:
        assert gate.reaction("close", NUMBERS.start) == Inconclusive(OCCUPIED, STOP_AT_FILE)
    finally:
        os.close(NUMBERS.start)


def test_fchmod_of_another_file_is_refused(gate: Supervised) -> None:
    with open("/etc/hostname", "rb") as file:
        assert gate.reaction("fchmod", file.fileno(), 0o600) == REFUSED


# Copies of descriptors


def test_a_copy_that_closes_a_session_file_stops(gate: Supervised) -> None:
    with open(gate.directory / "transcript.jsonl", "rb") as file, open("/dev/null", "rb") as other:
        assert gate.reaction("dup2", other.fileno(), file.fileno()) is STOP_AT_FILE
        assert gate.reaction("dup2", file.fileno(), other.fileno()) is CONTINUE
    assert gate.state.files.copied


def test_close_range_closes_known_descriptors_only(gate: Supervised) -> None:
    gate.worker.remember_fd(7, None)
    gate.worker.remember_fd(9, None)
    assert gate.reaction("close_range", 8, 100) is CONTINUE
    assert gate.worker.fds == {7: None}


def test_a_copy_to_a_reserved_number_is_inconclusive(gate: Supervised) -> None:
    assert gate.reaction("dup2", 0, NUMBERS.start) == Inconclusive(OCCUPIED, CONTINUE)
    assert gate.reaction("fcntl", 0, fcntl.F_DUPFD, NUMBERS.start) == Inconclusive(OCCUPIED, CONTINUE)


def test_a_record_lock_is_a_call_on_its_file(gate: Supervised) -> None:
    with open(gate.directory / "transcript.jsonl", "rb") as file:
        assert gate.reaction("fcntl", file.fileno(), fcntl.F_SETLK, 0) is STOP_AT_FILE
    assert not gate.state.files.copied


# Lanes that wait


def stop_of(gate: Supervised, why: int, index: int, value: int = 0, **options: Any) -> Reaction:
    """Return the reaction to the call by which a lane stops by itself."""
    return gate.reaction("sched_yield", *stop_arguments(why, index, value), **options)


@pytest.mark.parametrize("place", range(5))
def test_a_yield_with_other_arguments_is_none_of_a_lane_s_stops(gate: Supervised, place: int) -> None:
    arguments = list(stop_arguments(THINK, 0, 3))
    arguments[place] += 1
    assert gate.reaction("sched_yield", *arguments) is CONTINUE
    assert gate.lane.think_left == 0


def test_a_lane_without_a_program_is_done(gate: Supervised) -> None:
    assert stop_of(gate, IDLE, 0) == Stop(Status.DONE)


def test_a_lane_thinks_for_as_many_steps_as_it_says(gate: Supervised) -> None:
    assert stop_of(gate, THINK, 0, 3) == Stop(Status.THINK)
    assert [gate.lane.think_once() for _ in range(3)] == [False, False, True]


def test_a_pause_ends_the_wait_for_a_file(gate: Supervised) -> None:
    for why, left in ((SLEEP, "lock"), (PAUSE, None), (TURN, None)):
        gate.lane.poll_for("lock")
        reaction = stop_of(gate, why, 0, 5 * MS)
        stop = Stop(Status.TURN) if why == TURN else Stop(Status.SLEEP, START_NS + 5 * MS)
        assert reaction == stop
        assert gate.lane.poll_name == left


def test_a_lane_may_move_to_another_thread(gate: Supervised) -> None:
    assert stop_of(gate, IDLE, 1, tid=17) == Stop(Status.DONE)
    assert gate.worker.tasks[17] is gate.state.lanes[1]


def test_a_lane_of_another_worker_is_answered(gate: Supervised) -> None:
    assert stop_of(gate, IDLE, 7) == Answer()


def test_a_forked_lane_is_answered(gate: Supervised) -> None:
    assert stop_of(gate, THINK, 0, 3, process=gate.child()) == Answer()
    assert gate.lane.think_left == 0


def test_requests_of_a_service_are_counted(gate: Supervised) -> None:
    tracee = gate.child()
    assert stop_of(gate, SERVE, tracee.pid, 1) == Answer()
    service = gate.worker.services[tracee.pid]
    assert tracee.service is service
    assert (service.one_at_a_time, service.flows) == (True, False)
    assert stop_of(gate, ASK, tracee.pid) == Answer()
    assert service.lane() is gate.lane
    assert stop_of(gate, ANSWERED, tracee.pid) == Answer()
    assert service.lane() is None


# Sleep


def timespec(nanoseconds: int) -> bytes:
    return struct.pack("=2q", *divmod(nanoseconds, SECOND))


def test_a_sleep_ends_in_virtual_time(gate: Supervised) -> None:
    assert gate.reaction("nanosleep", timespec(20 * MS)) == Stop(Status.SLEEP, START_NS + 20 * MS)
    relative = gate.reaction("clock_nanosleep", time.CLOCK_MONOTONIC, 0, timespec(20 * MS))
    assert relative == Stop(Status.SLEEP, START_NS + 20 * MS)


def test_an_absolute_sleep_is_measured_on_the_nearer_clock(gate: Supervised) -> None:
    virtual = gate.reaction("clock_nanosleep", time.CLOCK_REALTIME, 1, timespec(START_NS + 30 * MS))
    assert virtual == Stop(Status.SLEEP, START_NS + 30 * MS)
    until = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + 3600 * SECOND
    real = gate.reaction("clock_nanosleep", time.CLOCK_MONOTONIC, 1, timespec(until))
    assert isinstance(real, Stop)
    assert 0 < real.wake_ns - START_NS <= 3600 * SECOND


def test_a_sleep_without_end_ends_with_time(gate: Supervised) -> None:
    assert gate.reaction("nanosleep", timespec(FOREVER_NS)) == Stop(Status.SLEEP, FOREVER_NS)


@pytest.mark.parametrize("wrong", [struct.pack("=2q", -1, 0), struct.pack("=2q", 0, SECOND)])
def test_a_sleep_that_makes_no_sense_is_the_kernels(gate: Supervised, wrong: bytes) -> None:
    assert gate.reaction("nanosleep", wrong) is CONTINUE


def test_a_thread_that_is_no_lane_sleeps_really(gate: Supervised) -> None:
    assert gate.reaction("nanosleep", timespec(MS), tid=1) is CONTINUE


# Everything else


def test_randomness_is_the_same_in_each_schedule(gate: Supervised) -> None:
    def draw() -> bytes:
        buffer = ctypes.create_string_buffer(8)
        assert gate.reaction("getrandom", ctypes.addressof(buffer), 8) == Answer(8)
        return buffer.raw

    first, second = draw(), draw()
    assert first != second
    gate.state.begin(gate.program)
    assert draw() == first


def test_a_new_process_makes_its_parent_wait_for_children(gate: Supervised) -> None:
    assert gate.reaction("fork") is CONTINUE
    assert gate.worker.cloned and gate.worker.has_children and gate.worker.forked
    assert gate.worker.last_forker is gate.lane
    assert not gate.worker.vforking
    assert gate.reaction("vfork") is CONTINUE
    assert gate.worker.vforking == {os.getpid()}


def test_a_new_thread_is_no_child(gate: Supervised) -> None:
    thread = 0x10000
    assert gate.reaction("clone", thread) is CONTINUE
    assert not gate.worker.cloned
    tracee = gate.child()
    assert gate.reaction("clone", thread, process=tracee) is CONTINUE
    assert tracee.threaded


def test_exec_makes_a_child_another_program(gate: Supervised) -> None:
    tracee = gate.child()
    tracee.starts_thread()
    assert gate.reaction("execve", b"/bin/true", process=tracee) is CONTINUE
    assert tracee.exec_pending and not tracee.threaded


def test_an_eventfd_of_a_worker_is_the_kernels(gate: Supervised) -> None:
    assert gate.reaction("eventfd2", 0, os.EFD_CLOEXEC) is CONTINUE


def test_an_inherited_eventfd_is_the_kernels(gate: Supervised) -> None:
    assert gate.reaction("eventfd2", 0, 0, process=gate.child()) is CONTINUE


def test_a_signal_to_another_namespace_finds_no_process(apart: Supervised) -> None:
    foreign = apart.child()
    foreign.name = "q"
    assert apart.reaction("kill", os.getpid(), 0) is CONTINUE
    assert apart.reaction("kill", os.getpid(), 0, process=foreign) == Answer(error=-errno.ESRCH)


@pytest.mark.parametrize("name", ["sendto", "tgkill", "pidfd_send_signal", "wait4", "waitid"])
def test_calls_that_are_only_counted_continue(gate: Supervised, name: str) -> None:
    assert gate.reaction(name) is CONTINUE
