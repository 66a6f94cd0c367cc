"""Calls that the gate makes fail or cuts short, and what is true of them."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
import pytest

from harness.model.history import Return, Step
from harness.model.program import Fault, Program
from harness.scenario.faults import Injector
from tests.harness.gates.kernel.changing import Changing
from tests.harness.gates.kernel.stage import INITIAL, Scripted, Seen, Stage, program_of

pytestmark = pytest.mark.requires("kernel-gate")


class Writing(Changing):
    """Writes in every way that can be cut short, each until nothing is left."""

    DATA: ClassVar[bytes] = b"0123456789\n"

    def _all(self, fd: int) -> None:
        view = memoryview(self.DATA)
        while view:
            view = view[os.write(fd, view) :]

    def append_all(self) -> str:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            self._all(fd)
            return str(os.lseek(fd, 0, os.SEEK_CUR))
        finally:
            os.close(fd)

    def write_all_from_5(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.lseek(fd, 5, os.SEEK_SET)
            self._all(fd)
        finally:
            os.close(fd)

    def pwrite_all_at_5(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            view, at = memoryview(self.DATA), 5
            while view:
                count = os.pwrite(fd, view, at)
                view, at = view[count:], at + count
        finally:
            os.close(fd)

    def write_one_byte(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x")
        os.close(fd)

    def write_to_a_reader(self) -> None:
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.write(fd, b"xxxx")
        finally:
            os.close(fd)

    def write_to_a_pipe(self) -> str:
        os.unlink(self.path)
        os.mkfifo(self.path)
        fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        count = os.write(fd, self.DATA)
        os.close(fd)
        return str(count)

    def stamps(self) -> str:
        """Size and times around a write."""
        before = os.stat(self.path)
        self.append_all()
        after = os.stat(self.path)
        return f"{after.st_size - before.st_size} {after.st_mtime_ns > before.st_mtime_ns}"

    def rename(self) -> None:
        os.rename(self.path, self.path + ".old")

    def store_after_a_look(self) -> None:
        """The page is dirty already; the look may fail."""
        fd = self._open(os.O_RDWR)
        address = self._map(fd)
        ctypes.memmove(address, b"a", 1)
        os.close(fd)
        with contextlib.suppress(OSError):
            os.stat(self.path)
        ctypes.memmove(address, b"X", 1)

    def look(self) -> str:
        return str(os.stat(self.path).st_size)

    def flock_twice(self) -> str:
        return twice(fcntl.flock, self.path + ".flock")

    def record_lock_twice(self) -> str:
        return twice(fcntl.lockf, self.path + ".lockf")

    def fchmod(self) -> None:
        os.chmod(self.path, 0o600)


def twice(lock: Callable[[int, int], object], path: str) -> str:
    """Take a lock, let it go, and take it again; return the results in words."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    said = []
    for operation in (fcntl.LOCK_EX, fcntl.LOCK_UN, fcntl.LOCK_EX | fcntl.LOCK_NB):
        try:
            lock(fd, operation)
            said.append("ok")
        except OSError as error:
            said.append(errno.errorcode[error.errno or 0])
    os.close(fd)
    return " ".join(said)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("faults"), Writing, ["p", "q"]) as stage:
        yield stage


def planned(stage: Stage, word: str, *faults: Fault, other: Sequence[str] = ()) -> Program:
    program = program_of(stage.lanes, [[word], other])
    (op,) = program.lanes[0].ops
    first = msgspec.structs.replace(program.lanes[0], ops=(msgspec.structs.replace(op, faults=faults),))
    return msgspec.structs.replace(program, lanes=(first, program.lanes[1]))


def run(stage: Stage, word: str, *faults: Fault, other: Sequence[str] = ()) -> Seen:
    return stage.play(planned(stage, word, *faults, other=other), Scripted())


def told(seen: Seen) -> list[tuple[str, str, str]]:
    """Call, fault and note of each write."""
    return [(step.call, step.fault, step.note) for step in seen.steps if "write" in step.call]


def contents(seen: Seen) -> list[bytes | None]:
    return [content for _, _, content in seen.changes()]


def test_a_call_fails_and_the_fence_hands_the_error_on(stage: Stage) -> None:
    seen = run(stage, "append_all", Fault("write", "ENOSPC"))
    assert told(seen) == [("write", "ENOSPC", "")]
    assert seen.changes() == []
    (returned,) = [event for event in seen.events if isinstance(event, Return)]
    assert (returned.outcome, returned.detail) == ("failed", "OSError: [Errno 28] No space left on device")
    assert stage.path.read_bytes() == INITIAL


@pytest.mark.parametrize(
    ("word", "call", "before", "rest"),
    [
        ("append_all", "write", INITIAL, b""),
        ("write_all_from_5", "write", INITIAL[:5], INITIAL[5:]),
        ("pwrite_all_at_5", "pwrite64", INITIAL[:5], INITIAL[5:]),
    ],
)
@pytest.mark.parametrize(("keep", "count"), [(0, 1), (500, 5), (999, 10)])
def test_a_write_is_cut_short_where_it_would_have_written(
    stage: Stage, word: str, call: str, before: bytes, rest: bytes, keep: int, count: int
) -> None:
    seen = run(stage, word, Fault(call, "EDQUOT", keep))
    assert told(seen) == [(call, "short", f"{count} of 11 bytes"), (call, "EDQUOT", "")]
    part = Writing.DATA[:count]
    assert contents(seen) == [before + part + rest[count:]]
    assert seen.outcomes() == ["failed"]
    assert stage.path.read_bytes() == before + part + rest[count:]


@pytest.mark.parametrize(
    ("word", "call", "whole"),
    [
        ("append_all", "write", INITIAL + Writing.DATA),
        ("write_all_from_5", "write", INITIAL[:5] + Writing.DATA),
        ("pwrite_all_at_5", "pwrite64", INITIAL[:5] + Writing.DATA),
    ],
)
def test_a_lane_that_completes_a_short_write_has_written_all(
    stage: Stage, word: str, call: str, whole: bytes
) -> None:
    seen = run(stage, word, Fault(call, keep_permille=300))
    assert [fault for _, fault, _ in told(seen)] == ["short", ""]
    assert contents(seen)[-1] == whole
    assert set(seen.outcomes()) <= {"ok", "refused"}
    if word == "append_all":
        assert seen.said() == [str(len(whole))]


def test_each_change_of_a_short_write_is_the_lanes_own(stage: Stage) -> None:
    seen = run(stage, "append_all", Fault("write", keep_permille=300), other=["append_all"])
    state = seen.outcome.initial
    assert [lane for lane, _, _ in seen.changes()] == [0, 0, 1]
    for step in seen.steps:
        if step.change is not None:
            assert step.change.before == state
            state = step.change.after
    assert seen.end.inconclusive == ""


def test_a_short_write_leaves_a_stamp(stage: Stage) -> None:
    seen = run(stage, "stamps", Fault("write", keep_permille=300))
    assert seen.said() == ["11 True"]


def test_one_byte_cannot_be_cut(stage: Stage) -> None:
    seen = run(stage, "write_one_byte", Fault("write", keep_permille=0))
    assert told(seen) == [("write", "", "")]
    assert contents(seen) == [INITIAL + b"x"]


def test_a_write_that_would_have_failed_anyway_fails_as_it_would_have(stage: Stage) -> None:
    seen = run(stage, "write_to_a_reader", Fault("write", "ENOSPC", 500))
    assert told(seen) == [("write", "", "")]
    (returned,) = [event for event in seen.events if isinstance(event, Return)]
    assert returned.outcome == "crash"
    assert "Bad file descriptor" in returned.detail


def test_a_write_to_a_pipe_runs_whole(stage: Stage) -> None:
    seen = run(stage, "write_to_a_pipe", Fault("write", "ENOSPC", 500))
    assert told(seen) == [("write", "", "")]
    assert seen.said() == ["11"]


def test_python_itself_repeats_an_interrupted_call(stage: Stage) -> None:
    seen = run(stage, "append_all", Fault("write", "EINTR"))
    assert [fault for _, fault, _ in told(seen)] == ["EINTR", ""]
    assert contents(seen) == [INITIAL + Writing.DATA]


@pytest.mark.parametrize(
    ("word", "call", "error"),
    [
        ("rename", "rename", "EIO"),
        ("rename", "rename", "EPERM"),
        ("rename", "rename", "EBUSY"),
        ("rename", "rename", "EXDEV"),
        ("look", "newfstatat", "EIO"),
        ("look", "newfstatat", "EACCES"),
        ("append_all", "openat", "EIO"),
        ("append_all", "openat", "EMFILE"),
        ("fchmod", "chmod", "EROFS"),
    ],
)
def test_a_call_that_fails_changes_nothing(stage: Stage, word: str, call: str, error: str) -> None:
    seen = run(stage, word, Fault(call, error))
    assert [step.fault for step in seen.steps] == [error]
    assert seen.changes() == []
    assert seen.outcomes() == ["failed"]
    assert stage.path.read_bytes() == INITIAL


@pytest.mark.parametrize(("word", "call"), [("flock_twice", "flock"), ("record_lock_twice", "fcntl")])
@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP"])
def test_a_lock_is_not_to_be_had_and_always_to_be_given_back(
    stage: Stage, word: str, call: str, error: str
) -> None:
    name = errno.errorcode[getattr(errno, error)]
    for nth, said in ((1, f"{name} ok ok"), (2, "ok ok ok"), (3, f"ok ok {name}")):
        seen = run(stage, word, Fault(call, error, nth=nth, file="lock"))
        assert seen.said() == [said]
        assert [step.fault for step in seen.steps if step.fault] == ([error] if name in said else [])


def test_an_interrupt_ends_only_the_wait_of_an_flock(stage: Stage) -> None:
    assert run(stage, "flock_twice", Fault("flock", "EINTR", file="lock")).said() == ["ok ok ok"]


def test_the_same_program_meets_the_same_faults(stage: Stage) -> None:
    program = planned(stage, "append_all", Fault("write", "EIO", 700), other=["append_all", "look"])
    histories = [stage.play(program, Scripted([1, 0, 1, 0, 0])).events for _ in range(3)]
    assert histories[0] == histories[1] == histories[2]
    assert [event.fault for event in histories[0] if isinstance(event, Step) and event.fault] == [
        "short",
        "EIO",
    ]
    assert Injector(program).planned


def test_a_store_after_a_call_that_failed_is_the_lanes_own(stage: Stage) -> None:
    seen = run(stage, "store_after_a_look", Fault("newfstatat", "EIO"), other=["look"])
    assert [step.fault for step in seen.steps if step.fault] == ["EIO"]
    assert seen.end.inconclusive == ""
    assert seen.changes() == [(0, "newfstatat", b"X" + INITIAL[1:])]
