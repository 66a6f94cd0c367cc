"""Test the execution of a lane's program with a fence that records its calls."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fence.errors import FenceError, LockTimeoutError, StaleLockError, TakeoverError
from fence.protocol import Fence, Site
from harness.lanes.op_executor import OpExecutor
from harness.model.history import digest
from harness.model.program import Entry, Fault, LaneProgram, Op
from harness.model.shared_memory import SharedMemory

TURN = ("begin_turn", "load", "append", "release_for_prompt", "guarded_write", "end_turn")


class Waits:
    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def think(self, lane: int, steps: int) -> None:
        self.said.append(("think", lane, steps))

    def pause(self, lane: int, duration_ms: int) -> None:
        self.said.append(("pause", lane, duration_ms))

    def begin(self, lane: int, op: int) -> None:
        self.said.append(("begin", op))

    def end(self, lane: int, op: int) -> None:
        self.said.append(("end", op))


class Diary:
    """Makes handles that record every call and raise given exceptions."""

    def __init__(self, **raises: BaseException) -> None:
        self.calls: list[str] = []
        self.raises = raises
        self.sites: list[Site] = []
        self.appended: list[bytes] = []
        self.rewritten: list[tuple[Sequence[bytes], str]] = []
        self.recovers = True

    def __call__(self, site: Site) -> Fence:
        self.sites.append(site)
        diary = self

        class Handle:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def call(*args: Any) -> Any:
                    diary.calls.append(name)
                    if name in diary.raises:
                        raise diary.raises[name]
                    if name == "load":
                        return b'{"id":"a"}\n'
                    if name in ("append", "guarded_write"):
                        diary.appended += args[0]
                    if name == "rewrite":
                        diary.rewritten.append(args)
                    return diary.recovers if name == "recover" else None

                return call

        return Handle()  # type: ignore[return-value]


def op(kind: str, **fields: object) -> Op:
    if kind in ("append", "guarded_write") and "entries" not in fields:
        fields["entries"] = (Entry("e", "user", '{"id":"e"}'),)
    return Op(kind, **fields)  # type: ignore[arg-type]


def run(
    diary: Diary, *ops: Op, transcript: str = "/nowhere/t.jsonl", waits: Waits | None = None
) -> list[tuple[str, str]]:
    """Return outcome and detail of each operation."""
    memory = SharedMemory()
    memory.publish(b"")
    program = LaneProgram("lane", "runner", "p", True, ops)
    process: dict[str, Any] = {"shared": True}
    OpExecutor(2, program, transcript, diary, process, {"x": 1}, memory, waits or Waits()).run()
    assert memory.started(2) == memory.finished(2) == len(ops)
    return [memory.outcome(2, number) for number in range(len(ops))]


def outcomes(diary: Diary, *ops: Op) -> list[str]:
    return [outcome for outcome, _ in run(diary, *ops)]


def test_a_turn_is_called_in_order_on_one_handle() -> None:
    diary = Diary()
    assert outcomes(diary, *map(op, TURN)) == ["ok"] * 6
    assert diary.calls == list(TURN)
    (site,) = diary.sites
    assert (site.transcript, site.lane, site.process, site.options) == (
        *("/nowhere/t.jsonl", "lane"),
        *({"shared": True}, {"x": 1}),
    )


def test_lines_are_passed_whole() -> None:
    diary = Diary()
    entries = (Entry("a", "user", "ä"), Entry("b", "user", "b"))
    run(diary, op("append", entries=entries), op("guarded_write", entries=entries[1:]))
    assert diary.appended == ["ä\n".encode(), b"b\n", b"b\n"]


def test_a_load_returns_the_digest_of_the_content() -> None:
    assert run(Diary(), op("load")) == [("ok", digest(b'{"id":"a"}\n'))]


def test_each_route_has_a_handle_of_its_own() -> None:
    diary = Diary()
    run(diary, op("acquire"), op("acquire", route="writer"), op("release"), op("release", route="writer"))
    assert len(diary.sites) == 2
    assert diary.sites[0].process is diary.sites[1].process


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TakeoverError("size"), ("refused", "size")),
        (LockTimeoutError("late"), ("lock_timeout", "late")),
        (StaleLockError("gone"), ("stale_lock", "gone")),
        (NotImplementedError("not here"), ("crash", "NotImplementedError: not here")),
        (FenceError("odd"), ("crash", "FenceError: odd")),
        (ValueError("bad"), ("crash", "ValueError: bad")),
        (KeyboardInterrupt(), ("crash", "KeyboardInterrupt: ")),
        (SystemExit(3), ("crash", "SystemExit: 3")),
        (OSError(28, "full"), ("crash", "OSError: [Errno 28] full")),
        (AssertionError(), ("crash", "AssertionError: ")),
    ],
)
def test_each_exception_has_its_outcome(error: BaseException, outcome: tuple[str, str]) -> None:
    assert run(Diary(guarded_write=error), op("guarded_write")) == [outcome]


def test_an_exception_without_a_message_keeps_its_outcome() -> None:
    class Mute(TakeoverError):
        def __init__(self) -> None:
            pass

        def __str__(self) -> str:
            raise RuntimeError

    assert run(Diary(load=Mute()), op("load")) == [("refused", "Mute whose text cannot be had")]


@pytest.mark.parametrize(
    "error", [LockTimeoutError("late"), TakeoverError("x"), StaleLockError("s"), ValueError("v")]
)
def test_a_failed_group_head_skips_all_but_the_clean_up(
    error: Exception,
) -> None:
    diary = Diary(begin_turn=error)
    found = outcomes(diary, *map(op, TURN))
    assert found[1:] == ["skipped"] * 4 + ["ok"]
    assert diary.calls == ["begin_turn", "end_turn"]
    diary = Diary(acquire=error)
    assert outcomes(diary, op("acquire"), op("load"), op("append"), op("release"))[1:] == [
        "skipped",
        "skipped",
        "ok",
    ]
    assert diary.calls == ["acquire", "release"]


def test_a_failed_group_does_not_touch_the_next_one() -> None:
    diary = Diary(acquire=LockTimeoutError("late"))
    found = outcomes(diary, op("acquire", group=1), op("append", group=1), op("append", group=2))
    assert found == ["lock_timeout", "skipped", "ok"]


def test_a_refusal_in_the_middle_skips_nothing() -> None:
    diary = Diary(guarded_write=TakeoverError("size"))
    found = outcomes(diary, op("begin_turn"), op("guarded_write"), op("guarded_write"), op("end_turn"))
    assert found == ["ok", "refused", "refused", "ok"]


def test_a_crash_in_the_middle_ends_the_group() -> None:
    diary = Diary(load=ValueError("bad"))
    assert outcomes(diary, op("acquire"), op("load"), op("append"), op("release")) == [
        "ok",
        "crash",
        "skipped",
        "ok",
    ]


def test_a_fence_that_cannot_be_made_is_a_crash() -> None:
    def broken(site: Site) -> Fence:
        raise TypeError("no such option")

    found = run(broken, op("acquire"), op("append"), op("release"))  # type: ignore[arg-type]
    assert found == [("crash", "TypeError: no such option"), ("skipped", ""), ("skipped", "")]


@pytest.mark.parametrize(("content", "name"), [("a line", "str"), ([b"a line"], "list"), (None, "NoneType")])
def test_a_load_of_another_type_is_named(content: Any, name: str) -> None:
    class Loads(Fence):
        def load(self) -> bytes:
            return content  # type: ignore[no-any-return]

    words = f"TypeError: load returned {name}, expected bytes, all of the transcript"
    assert run(Loads, op("load")) == [("crash", words)]  # type: ignore[arg-type]


def test_only_a_refused_turn_recovers() -> None:
    diary = Diary()
    assert outcomes(diary, op("recover", turn=0)) == ["skipped"]
    diary = Diary(guarded_write=TakeoverError("size"))
    words = (op("guarded_write", turn=1), op("recover", turn=0), op("recover", turn=1))
    assert outcomes(diary, *words) == ["refused", "skipped", "ok"]
    diary.recovers = False
    assert outcomes(diary, *words)[2] == "unsupported"


def test_the_gate_implements_waiting() -> None:
    waits = Waits()
    diary = Diary()
    run(diary, op("think", steps=4), op("pause", duration_ms=70), op("load"), waits=waits)
    assert diary.calls == ["load"]
    assert waits.said == [
        *(("begin", 0), ("think", 2, 4), ("end", 0)),
        *(("begin", 1), ("pause", 2, 70), ("end", 1)),
        *(("begin", 2), ("end", 2)),
    ]


def test_a_rewrite_loads_and_passes_lines() -> None:
    diary = Diary()
    args: dict[str, int | str | bool] = {"kind": "compaction", "keep": 0, "summary_id": "s"}
    assert run(diary, Op("rewrite", how="rename", args=args)) == [("ok", "")]
    assert diary.calls == ["load", "rewrite"]
    ((lines, how),) = diary.rewritten
    assert how == "rename"
    assert [json.loads(line)["compacts"] for line in lines] == [["a"]]
    assert all(line.endswith(b"\n") for line in lines)


def test_an_action_is_performed_without_the_fence(tmp_path: Path) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_bytes(b"first\n")
    diary = Diary()
    found = run(diary, op("action", how="append-blank"), transcript=str(transcript))
    assert found == [("ok", "")]
    assert transcript.read_bytes() == b"first\n\n"
    assert diary.sites == []


FULL = OSError(errno.ENOSPC, "full")
FAULTS = (Fault("write", "ENOSPC"), Fault("write", "EIO", 500))


def test_an_error_from_a_fault_is_no_crash() -> None:
    for code in (errno.ENOSPC, errno.EIO):
        found = run(Diary(append=OSError(code, "full")), op("append", faults=FAULTS))
        assert found == [("failed", f"OSError: [Errno {code}] full")]


@pytest.mark.parametrize(
    ("error", "faults"),
    [
        (FULL, ()),
        (FULL, (Fault("write", "EIO"),)),
        (FULL, (Fault("write", keep_permille=500),)),
        (FileNotFoundError(errno.ENOENT, "gone"), FAULTS),
        (OSError("without a number"), FAULTS),
        (ValueError("full"), FAULTS),
    ],
)
def test_an_error_without_a_fault_is_a_crash(error: BaseException, faults: tuple[Fault, ...]) -> None:
    assert outcomes(Diary(append=error), op("append", faults=faults)) == ["crash"]


@pytest.mark.parametrize("error", [TakeoverError("x"), LockTimeoutError("x"), StaleLockError("x")])
def test_the_exception_that_a_fence_makes_of_a_fault_counts(error: BaseException) -> None:
    (outcome,) = outcomes(Diary(guarded_write=error), op("guarded_write", faults=FAULTS))
    assert outcome in ("refused", "lock_timeout", "stale_lock")


def test_a_turn_goes_on_after_a_guarded_write_that_failed() -> None:
    diary = Diary(guarded_write=FULL)
    words = [op("begin_turn"), op("guarded_write", faults=FAULTS), op("load"), op("end_turn")]
    assert outcomes(diary, *words) == ["ok", "failed", "ok", "ok"]


@pytest.mark.parametrize("kind", ["begin_turn", "load", "append", "release_for_prompt"])
def test_any_other_failed_operation_ends_the_turn(kind: str) -> None:
    words = [op(name, faults=FAULTS) if name == kind else op(name) for name in TURN]
    found = outcomes(Diary(**{kind: FULL}), *words)
    at = TURN.index(kind)
    assert found == ["ok"] * at + ["failed"] + ["skipped"] * (4 - at) + ["ok"]


def test_a_turn_ends_with_a_guarded_write_that_crashed() -> None:
    words = [op("begin_turn"), op("guarded_write"), op("load"), op("end_turn")]
    assert outcomes(Diary(guarded_write=FULL), *words) == ["ok", "crash", "skipped", "ok"]
