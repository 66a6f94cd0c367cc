"""Test that every failure of an adapter ends in one exception with the reason and leaves no process."""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fence.errors import AdapterError, ExternalError, LockTimeoutError, StaleLockError, TakeoverError
from fence.external import ExternalFence, HostHooks, external
from fence.external import adapter as external_adapter
from fence.protocol import Site
from tests.acceptance.harness_process import command_line, eventually
from tests.fence.external.adapters import FAULTS, command
from tests.patience import GENEROUS_S, at_some_patience

#: The expected message of each failure.
SAID = {
    "hangs": "said nothing for",
    "spins": "said nothing for",
    "floods": "a line of more than",
    "floods_lines": "id: expected the number of the request, in the line {}",
    "floods_stderr": "was killed by signal|ended with status",
    "writes_too_much": "was killed by signal 25 .a file may have 8 MiB here, and memory by memfd_create",
    "dies": "ended with status 7; .*standard error: out of luck",
    "aborts": "was killed by signal 6; .*standard error: out of luck",
    "is_killed": "was killed by signal 9",
    "dies_in_a_line": 'ended with status 1 after saying {"id": ',
    "talks": "no JSON: .*, in the line hello, world",
    "bad_utf8": "no UTF-8 at byte 21.*in the line {",
    "other_request": "the request that runs, got 1",
    "unknown_answer": 'expected one of ok, .*in the line .*"maybe"',
    "takeover_without_check": "check: expected text",
    "answers_twice": "said more than it was asked for",
    "closes": "closed its standard output; .*standard error: closing",
    "waits": "waits for another request, but has no other lane",
    "doubts": "can no longer attribute its calls: two at once",
    "leaves_a_child": "ended with status 3|closed its standard output|said nothing",
}


class _Patient(HostHooks):
    patience_s = GENEROUS_S


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Check after each test that no new process is left; end the child that an adapter left on purpose."""
    yield
    for process in psutil.process_iter():
        # Any of them may end meanwhile.
        with contextlib.suppress(psutil.Error):
            if process.ppid() in (1, os.getpid()) and "leaves_a_child" in command_line(process):
                process.kill()

    def left() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [one for one in children if "adapters.py" in command_line(one)]

    eventually(lambda: not left(), seen=left)


def handle(path: Path, fault: str = "none", lane: str = "runner", patience_s: float = 0.0) -> ExternalFence:
    made = external(command(fault))
    hooks = _Patient()
    hooks.patience_s = patience_s or hooks.patience_s
    made.use_hooks(hooks)
    found = made(Site(str(path / "transcript.jsonl"), lane, {}, {}))
    assert isinstance(found, ExternalFence)
    return found


def test_every_fault_has_a_test() -> None:
    assert set(FAULTS) == {*SAID, "sleeps_forever", "dawdles", "meets_a_refusal", "has_no_memory"}


@pytest.mark.parametrize("fault", SAID)
def test_the_error_of_a_broken_adapter_has_its_last_lines(fault: str, tmp_path: Path) -> None:
    def breaks(limit_s: float) -> None:
        folder = tmp_path / f"{limit_s}"
        folder.mkdir()
        runner = handle(folder, fault, patience_s=limit_s)
        runner.begin_turn()
        runner.release_for_prompt()
        with pytest.raises(AdapterError, match=SAID[fault]) as caught:
            runner.guarded_write([b"{}\n"])
            runner.end_turn()
        assert "-> {" in str(caught.value)
        assert "guarded_write" in str(caught.value)
        assert all(adapter.ended for adapter in runner.adapters.values())

    at_some_patience(breaks, (0.5, 8.0, 60.0) if "said nothing" in SAID[fault] else (GENEROUS_S,))


@pytest.mark.parametrize(
    ("fault", "limit"), [("hangs", "for 1 s;"), ("spins", "for 1.5 s of processor time;")]
)
def test_hello_is_waited_for_by_the_adapter_s_own_time(
    fault: str, limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that computes, as in a long import, has more of it than one that hangs."""
    monkeypatch.setattr(external_adapter, "_HELLO_COMPUTING_S", 1.5)
    hooks = HostHooks()
    hooks.patience_s = 1.0
    adapter = external_adapter.Adapter(shlex.split(command(fault, "hello")), str(tmp_path), hooks)
    with pytest.raises(AdapterError, match=f"said nothing {limit}"):
        adapter.greet()
    assert adapter.ended


@pytest.mark.parametrize("word", ["no-such-program", "'", "/dev/null", ""])
def test_a_command_that_cannot_be_started_says_so(word: str) -> None:
    with pytest.raises(AdapterError):
        external(word)


def test_a_program_that_is_no_adapter_is_reported() -> None:
    with pytest.raises(AdapterError, match="ended with status 1"):
        external("false")
    with pytest.raises(AdapterError, match="expected one of answer"):
        external("cat")


def test_calls_become_requests_and_answers_become_results_or_errors(tmp_path: Path) -> None:
    runner = handle(tmp_path)
    path = tmp_path / "transcript.jsonl"
    path.write_bytes(b"\xff\n")
    runner.begin_turn()
    assert runner.load() == b"\xff\n"
    runner.append([b"a\n", b"\xfe\n"])
    runner.release_for_prompt()
    runner.guarded_write([b"b\n"])
    assert path.read_bytes() == b"\xff\na\n\xfe\nb\n"
    assert runner.recover() is False
    with pytest.raises(NotImplementedError):
        runner.rewrite([b"a\n"], "rename")
    with pytest.raises(StaleLockError, match="not held"):
        runner.release()
    runner.end()


def test_begin_schedule_is_sent_before_each_new_schedule(tmp_path: Path) -> None:
    runner = handle(tmp_path)
    runner.begin_turn()
    (pid,) = [adapter.pid for adapter in runner.adapters.values()]
    other = tmp_path / "other"
    other.mkdir()
    again = type(runner)(Site(str(other / "transcript.jsonl"), "runner", {}, {}))
    again.begin_turn()
    assert os.listdir(other) == ["transcript.jsonl.lock"]
    assert [adapter.pid for adapter in runner.adapters.values()] == [pid]
    again.end()


def test_a_lane_that_sleeps_for_the_lock_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.time_ns()]
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + round(seconds * 1e9)))
    monkeypatch.setattr(time, "time_ns", lambda: now[0])
    (tmp_path / "transcript.jsonl.lock").touch()
    runner = handle(tmp_path)
    begun = now[0]
    with pytest.raises(LockTimeoutError, match="held"):
        runner.begin_turn()
    assert 60e9 < now[0] - begun < 61e9
    runner.end()


def test_standard_error_does_not_grow_over_schedules(tmp_path: Path) -> None:
    runner = handle(tmp_path)
    runner.begin_turn()
    (adapter,) = runner.adapters.values()
    os.write(adapter._stderr, b"x" * (2 << 20))
    adapter._truncate_stderr()
    assert os.fstat(adapter._stderr).st_size == 0
    runner.end()


def test_error_and_takeover_become_the_exceptions_of_a_fence() -> None:
    from fence.external.proxy import _raise
    from fence.external.wire import Answer

    for answer, kind in [
        (Answer("takeover", "stat", "", {}), TakeoverError),
        (Answer("error", "no room", "ENOSPC", {}), OSError),
        (Answer("error", "boom", "", {}), ExternalError),
    ]:
        with pytest.raises(kind) as caught:
            _raise(answer, "append")
        assert answer.text in str(caught.value)
    with pytest.raises(OSError) as failed:
        _raise(Answer("error", "", "ENOSPC", {}), "append")
    assert failed.value.errno == 28


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("starting\nFATAL ERROR: heap out of memory\n", "FATAL ERROR: heap out of memory"),
        ("panic: assignment to entry in nil map\n", "panic: assignment to entry in nil map"),
        ("java.lang.OutOfMemoryError: Java heap space\n", "java.lang.OutOfMemoryError: Java heap space"),
        ("starting\n", ""),
    ],
)
def test_the_error_is_shown_where_a_long_stack_follows(tmp_path: Path, said: str, first: str) -> None:
    path = tmp_path / "stderr"
    stack = "".join(f" {number}: 0x{number:x} somewhere in a program\n" for number in range(100))
    for text, expected in ((said + stack, first), (said, ""), ("", "")):
        path.write_text("of a schedule before: error\n" + text)
        with path.open("rb") as file:
            assert (
                external_adapter._first_error(file.fileno(), len("of a schedule before: error\n")) == expected
            )
