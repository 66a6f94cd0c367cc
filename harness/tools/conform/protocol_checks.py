"""List the checks of the conformance test, one function each; its docstring is the printed line."""

from __future__ import annotations

import dataclasses
import select
import tempfile
from collections.abc import Callable, Iterator

from fence.errors import AdapterError
from fence.external.wire import Answer, Hello, ProtocolError, Sleep, Waits, loaded
from harness.tools.conform.stage import Off, Stage

__all__ = ["CHECKS", "OF_FENCES", "Finding", "examine"]

_FIRST = b'{"type":"message","id":"u0"}\n'
_A = b'{"type":"message","id":"a","text":"\xc3\xa4 \xe2\x80\xa8 \\u0000"}\n'
_B = b'{"type":"message","id":"b"}\n'
_BAD = b'{"id":"\xff\xfe \xc3"}\n'
_BIG = b'{"id":"big","text":"' + b"x" * (1 << 20) + b'"}\n'
_SILENCE_S = 0.3
_NO_LOCK = "it has no lock"
_LEAVE_S = 5.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        about: what the adapter has to do.
        why: what it does wrong; empty when nothing is.
        note: a remark on what it does right.
    """

    about: str
    why: str = ""
    note: str = ""


def examine(command: str, hello: Hello, python: bool = False) -> Iterator[Finding]:
    """Run the checks, each with files of its own, and yield their findings.

    Args:
        command: of the adapter.
        hello: its own description.
        python: whether the adapter is ours and serves a fence in Python: then only `OF_FENCES` are run.
    """
    source = "the class" if python else "hello"
    with tempfile.TemporaryDirectory(prefix="harness-conform-") as directory:
        stage = Stage(command, hello, directory, source)
        try:
            for check in OF_FENCES if python else CHECKS:
                about = (check.__doc__ or "").strip().rstrip(".")
                try:
                    yield Finding(about, note=check(stage) or "")
                except (Off, AdapterError) as error:
                    # The next check starts with a new process.
                    stage.close()
                    yield Finding(about, str(error))
        finally:
            stage.close()


def _turn(stage: Stage, lane: str = "runner") -> None:
    """Play a turn up to the model's thinking."""
    for do in ("begin_turn", "load"):
        stage.expect(lane, do)
    stage.expect(lane, "append", _A)
    stage.expect(lane, "release_for_prompt")


def _load(stage: Stage, expected: bytes) -> None:
    answer = stage.expect("runner", "load")
    try:
        found = loaded(answer)
    except ProtocolError as error:
        raise stage.off(f"load: {error}") from error
    if found != expected:
        raise stage.off(f"load: returned {len(found)} other bytes than the {len(expected)} of the file")


def _turn_is_taken(stage: Stage) -> None:
    """begin_turn takes the lock that is declared, release_for_prompt and end_turn let it go."""
    stage.begin(_FIRST)
    stage.expect("runner", "begin_turn")
    stage.expect_lock(True, "begin_turn")
    stage.expect("runner", "load")
    stage.expect_lock(True, "load")
    stage.expect("runner", "release_for_prompt")
    stage.expect_lock(False, "release_for_prompt")
    stage.expect("runner", "end_turn")
    stage.expect("runner", "begin_turn")
    stage.expect("runner", "end_turn")
    stage.expect_lock(False, "end_turn in place of release_for_prompt")


def _load_is_exact(stage: Stage) -> None:
    """load returns the bytes of the file."""
    stage.begin(_FIRST + _A)
    stage.expect("runner", "begin_turn")
    _load(stage, _FIRST + _A)


def _load_is_exact_without_utf8(stage: Stage) -> None:
    """load returns bytes that are no UTF-8, in base64."""
    stage.begin(_FIRST + _BAD)
    stage.expect("runner", "begin_turn")
    _load(stage, _FIRST + _BAD)


def _load_without_file(stage: Stage) -> None:
    """Without a transcript, load is empty and append makes one."""
    stage.begin(None)
    stage.expect("runner", "begin_turn")
    _load(stage, b"")
    stage.expect("runner", "append", _A)
    stage.expect_bytes(_A, "append without a file")


def _append_is_exact(stage: Stage) -> None:
    """append adds the entries as they are, several and no UTF-8 among them."""
    stage.begin(_FIRST)
    stage.expect("runner", "begin_turn")
    stage.expect("runner", "append", _A, _B)
    stage.expect_bytes(_FIRST + _A + _B, "append")
    stage.expect("runner", "append", _BAD, _A)
    stage.expect_bytes(_FIRST + _A + _B + _BAD + _A, "append with entries_base64")


def _entries_can_be_large(stage: Stage) -> None:
    """An entry of a mebibyte is appended and loaded whole."""
    stage.begin(_FIRST)
    stage.expect("runner", "begin_turn")
    stage.expect("runner", "append", _BIG)
    stage.expect_bytes(_FIRST + _BIG, "append of a mebibyte")
    _load(stage, _FIRST + _BIG)


def _guarded_write_is_admitted(stage: Stage) -> None:
    """guarded_write without another writer is admitted, twice, and lets the lock go."""
    stage.begin(_FIRST)
    _turn(stage)
    stage.expect("runner", "guarded_write", _B)
    stage.expect_bytes(_FIRST + _A + _B, "guarded_write")
    stage.expect_lock(False, "guarded_write")
    stage.expect("runner", "guarded_write", _BAD)
    stage.expect_bytes(_FIRST + _A + _B + _BAD, "the second guarded_write")
    stage.expect("runner", "end_turn")


def _rogue_is_answered(stage: Stage) -> str:
    """guarded_write after a write without the lock is answered by ok or takeover."""
    stage.begin(_FIRST)
    _turn(stage)
    stage.write(b'{"rogue":true}\n')
    answer = stage.expect("runner", "guarded_write", _B, kinds=("ok", "takeover"))
    if answer.kind == "ok":
        return "it admits"
    stage.expect_bytes(b'{"rogue":true}\n', "takeover")
    stage.expect_lock(False, "takeover")
    stage.expect("runner", "guarded_write", _B, kinds=("ok", "takeover"))
    if "recover" in stage.hello.operations:
        stage.expect("runner", "recover", kinds=("ok", "unsupported"))
    stage.expect("runner", "end_turn")
    return f"takeover ({answer.text})"


def _cotenant_writes(stage: Stage) -> str:
    """A co-tenant takes the lock, appends, lets it go; the runner is answered by ok or takeover."""
    stage.begin(_FIRST)
    _turn(stage)
    stage.expect("cron", "acquire")
    stage.expect_lock(True, "acquire")
    stage.expect("cron", "append", _B)
    stage.expect("cron", "release")
    stage.expect_lock(False, "release")
    stage.expect_bytes(_FIRST + _A + _B, "a co-tenant's append")
    answer = stage.expect("runner", "guarded_write", _B, kinds=("ok", "takeover"))
    return f"takeover ({answer.text})" if answer.kind == "takeover" else ""


def _lock_excludes(stage: Stage) -> str:
    """acquire of a held lock sleeps or waits, and is answered by ok after the lock was let go."""
    if not stage.excludes:
        return _NO_LOCK
    stage.begin(_FIRST)
    stage.expect("runner", "begin_turn")
    number = stage.ask("cron", "acquire")
    heard = _heard_soon(stage, "cron", number)
    if isinstance(heard, Answer):
        if heard.kind == "lock_timeout":
            return "answered by lock_timeout at once"
        raise stage.off(f"acquire of cron while runner holds the lock: expected it to wait, got {heard.kind}")
    if isinstance(heard, Waits) and stage.hello.per_lane:
        raise stage.off("acquire of cron: it waits for another request, and no other lane speaks to it")
    if heard is None and not stage.hello.per_lane:
        raise stage.off("acquire of cron: no word, so that the lane that holds the lock cannot be served")
    stage.expect("runner", "end_turn")
    if isinstance(heard, Waits):
        stage.adapter("cron").send_message(number, "go_on", {})
        heard = None
    answer = stage.finish("cron", number, heard)
    if answer.kind != "ok":
        raise stage.off(f"acquire of cron after the lock was let go: expected ok, got {answer.kind}")
    stage.expect_lock(True, "acquire")
    stage.expect("cron", "release")
    return ""


def _heard_soon(stage: Stage, lane: str, number: int) -> object:
    """Return what the adapter says within a moment; None for silence: it may wait for an flock."""
    ready, _, _ = select.select([stage.adapter(lane)], [], [], _SILENCE_S)
    return stage.hear(lane, number) if ready else None


def _lock_times_out(stage: Stage) -> str:
    """acquire that waits in virtual time is answered by lock_timeout in the end."""
    if not stage.excludes:
        return _NO_LOCK
    stage.begin(_FIRST, lock_timeout_ms=500, lock_poll_ms=50)
    stage.expect("runner", "begin_turn")
    number = stage.ask("cron", "acquire")
    heard = _heard_soon(stage, "cron", number)
    if not isinstance(heard, Answer | Sleep):
        stage.close()
        return "does not sleep"
    before = stage.clock.now
    answer = stage.finish("cron", number, heard)
    if answer.kind not in ("lock_timeout", "stale_lock"):
        raise stage.off(f"acquire of cron: expected lock_timeout, got {answer.kind}")
    return f"after {(stage.clock.now - before) / 1e9:g} virtual s"


def _release_without_lock(stage: Stage) -> str:
    """release of a lock that is not held is answered by stale_lock or error."""
    if not stage.excludes:
        return _NO_LOCK
    stage.begin(_FIRST)
    stage.expect("cron", "release", kinds=("stale_lock", "error"))
    return ""


def _second_handle(stage: Stage) -> None:
    """A second handle of a lane works on its own."""
    stage.begin(_FIRST)
    _turn(stage)
    stage.expect("runner", "acquire", handle=1)
    stage.expect("runner", "append", _B, handle=1)
    stage.expect("runner", "release", handle=1)
    stage.expect_bytes(_FIRST + _A + _B, "an append of the second handle")


def _rewrite_is_exact(stage: Stage) -> str:
    """rewrite replaces all lines, in place and by a new file."""
    stage.begin(_FIRST + _A)
    if "rewrite" not in stage.hello.operations:
        stage.expect("cron", "rewrite", _A, how="rename", kinds=("unsupported",))
        return "unsupported"
    for how, lines in (("in_place", (_B,)), ("rename", (_A, _BAD)), ("in_place", (_BAD,))):
        stage.expect("cron", "acquire")
        stage.expect("cron", "rewrite", *lines, how=how)
        stage.expect("cron", "release")
        stage.expect_bytes(b"".join(lines), f"rewrite {how}")
    return ""


def _recover_is_answered(stage: Stage) -> str:
    """recover is answered by ok or unsupported."""
    stage.begin(_FIRST)
    _turn(stage)
    answer = stage.expect("runner", "recover", kinds=("ok", "unsupported"))
    if answer.kind == "ok" and "recover" not in stage.hello.operations:
        raise stage.off("recover: ok, and hello does not name it among its operations")
    return answer.kind


def _schedules_are_forgotten(stage: Stage) -> None:
    """begin_schedule forgets everything: locks, verdicts, all about the file."""
    stage.begin(_FIRST)
    _turn(stage)
    stage.write(b"rogue\n")
    stage.expect("runner", "guarded_write", _B, kinds=("ok", "takeover"))
    stage.expect("cron", "acquire")
    stage.begin(_A)
    stage.expect_lock(False, "begin_schedule")
    stage.expect("runner", "begin_turn")
    _load(stage, _A)
    stage.expect("runner", "release_for_prompt")
    stage.expect("runner", "guarded_write", _B)
    stage.expect_bytes(_A + _B, "guarded_write in the next schedule")
    stage.expect("cron", "acquire")
    stage.expect("cron", "release")


def _unknown_fields(stage: Stage) -> None:
    """Unknown fields are ignored."""
    stage.begin(_FIRST)
    stage.expect("runner", "begin_turn", of_a_later_version={"a": [1, None]})


def _unknown_operation(stage: Stage) -> None:
    """An unknown operation is answered by unsupported."""
    stage.begin(_FIRST)
    stage.expect("runner", "of_a_later_version", kinds=("unsupported",))
    stage.expect("runner", "begin_turn")


def _garbage(stage: Stage) -> str:
    """A line that is no JSON ends the adapter with a status other than 0, without an answer."""
    stage.begin(_FIRST)
    stage.expect("runner", "begin_turn")
    adapter = stage.adapter("runner")
    adapter.send(b'{"id": 1, "do": "load"\xff\n')
    try:
        line = adapter.line()
    except AdapterError as error:
        if "ended with status" not in str(error) or "ended with status 0" in str(error):
            raise Off(f"expected it to end with a status other than 0; {error}") from error
        stage.close()
        return ""
    raise Off(f"expected no answer, got the line {line!r}")


def _leaves(stage: Stage) -> None:
    """The adapter ends when its standard input ends."""
    stage.begin(_FIRST)
    stage.expect("runner", "begin_turn")
    adapter = stage.adapter("runner")
    if adapter.leave(_LEAVE_S) is None:
        raise Off(f"it was still there {_LEAVE_S:g} s after the end of its standard input")
    stage.close()


#: Checks of every fence, in any language.
OF_FENCES: tuple[Callable[[Stage], str | None], ...] = (
    _turn_is_taken,
    _load_is_exact,
    _load_is_exact_without_utf8,
    _load_without_file,
    _append_is_exact,
    _entries_can_be_large,
    _guarded_write_is_admitted,
    _rogue_is_answered,
    _cotenant_writes,
    _lock_excludes,
    _lock_times_out,
    _release_without_lock,
    _second_handle,
    _rewrite_is_exact,
    _recover_is_answered,
    _schedules_are_forgotten,
)
#: And what every adapter has to do.
CHECKS = (*OF_FENCES, _unknown_fields, _unknown_operation, _garbage, _leaves)
