"""Verdicts of released versions of OpenClaw on one change in the window, played without a scheduler.

R, the runner, has a turn; C is a co-tenant in another process, with the real lock; X takes
no lock. `python tests/released/check_table.py openclaw@2026.5.18 ...` prints a line a
fence; without names all that are in the cache.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fence.errors import LockTimeoutError, TakeoverError
from fence.external import ExternalFence, external
from fence.protocol import Site
from fence.targets import command, openclaw

__all__ = ["COLUMNS", "ROWS", "column_of", "play", "playing"]

#: By the act in the window: refused (T) or admitted (o) in each of `COLUMNS`.
ROWS = {
    "nothing": "ooooooo",
    "R appends through the controller": "ooooooo",
    "C appends a user line under the lock": "TTTTTTT",
    "C appends an assistant line under the lock": "ToTTTTT",
    "C appends a delivery-mirror line under the lock": "Toooooo",
    "C appends custom metadata under the lock": "TTTTToo",
    "C appends a label under the lock": "TTTTToo",
    "C appends a model change under the lock": "TTTTTTT",
    "C rewrites the same bytes in place under the lock": "TTTToTo",
    "C renames a file of the same bytes over it under the lock": "TTTTTTT",
    "C holds the lock longer than R waits, and writes nothing": "TTTTTTT",
    "X appends a user line": "TTTTTTT",
    "X appends an assistant line": "ToTTTTT",
    "X appends a delivery-mirror line": "Toooooo",
    "X appends custom metadata": "TTTTToo",
    "X appends a user line, then R appends outside the controller": "Toooooo",
    "R appends outside the controller": "Toooooo",
    "X changes bytes in place, same size": "TTTTTTT",
    "X writes the same bytes in place": "TTTToTo",
    "X replaces the file by rename": "TTTTTTT",
    "chmod only": "TTToooo",
    "touch only": "TTTToTo",
    "a hard link is made and removed": "TTToooo",
    "the file is renamed away and back": "TTToooo",
}
#: From which version on; the last two with the merge callback set.
COLUMNS = ("2026.5.16-beta.7", "2026.5.20", "2026.5.22", "2026.6.6", "2026.7.2", "merge", "2026.7.2 merge")
#: A refusal is for ever, and so is an admission of the content that stands there now.
_DECISIONS = 3
_LOCK_TIMEOUT_MS = 400

Act = Callable[[ExternalFence, ExternalFence, Path], None]


def column_of(fence: str) -> int:
    """The column that a fence belongs to.

    Args:
        fence: ``openclaw@VERSION`` or ``openclaw@VERSION+merge``.
    """
    version, merge, _ = fence.removeprefix("openclaw@").partition("+merge")
    late = version.startswith("2026.7.2-")
    if merge:
        return COLUMNS.index("2026.7.2 merge" if late else "merge")
    if late:
        return COLUMNS.index("2026.7.2")
    order = openclaw.VERSIONS
    return max(
        number for number, first in enumerate(COLUMNS[:4]) if order.index(first) <= order.index(version)
    )


@contextmanager
def playing(fence: str) -> Iterator[tuple[type[ExternalFence], type[ExternalFence]]]:
    """Classes of R's handle and of C's, each with a process of its own."""
    made = external(command(fence))
    both = type("Runner", (made,), {}), type("CoTenant", (made,), {})
    try:
        yield both
    finally:
        for one in both:
            one.end()


def play(classes: tuple[type[ExternalFence], type[ExternalFence]], row: str, folder: Path) -> str:
    """Play one row.

    Returns:
        ``T`` or ``o`` for each decision.
    """
    transcript = folder / "transcript.jsonl"
    transcript.write_bytes(_line({"type": "session", "version": 3, "cwd": "/"}))
    os.chmod(transcript, 0o600)
    options: dict[str, int | str | bool] = {"lock_timeout_ms": _LOCK_TIMEOUT_MS}
    runner, other = (one(Site(str(transcript), one.__name__, {}, options)) for one in classes)
    runner.begin_turn()
    runner.load()
    runner.append([_message("user"), _message("assistant")])
    runner.release_for_prompt()
    _ACTS[row](runner, other, transcript)
    said = "".join(_decision(runner) for _ in range(_DECISIONS))
    runner.end_turn()
    assert not transcript.with_name("transcript.jsonl.lock").exists()
    return said


def _decision(runner: ExternalFence) -> str:
    try:
        runner.guarded_write([_message("assistant")])
    except TakeoverError:
        return "T"
    return "o"


_numbers = itertools.count()


def _line(fields: dict[str, object]) -> bytes:
    number = next(_numbers)
    base = {"id": f"e{number}", "parentId": f"e{number - 1}", "timestamp": "2026-05-18T00:00:00.000Z"}
    return json.dumps({**base, **fields}).encode() + b"\n"


def _message(role: str, **more: str) -> bytes:
    message = {"role": role, "content": [{"type": "text", "text": "said"}], **more}
    return _line({"type": "message", "message": message})


def _under_the_lock(line: Callable[[], bytes]) -> Act:
    def act(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
        other.acquire()
        other.append([line()])
        other.release()

    return act


def _without_the_lock(line: Callable[[], bytes]) -> Act:
    def act(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
        with transcript.open("ab") as file:
            file.write(line())

    return act


def _replaced(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
    new = transcript.with_name("new")
    new.write_bytes(transcript.read_bytes())
    new.rename(transcript)


def _rewritten(how: str) -> Act:
    def act(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
        other.acquire()
        other.rewrite(transcript.read_bytes().splitlines(keepends=True), how)
        other.release()

    return act


def _held(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
    other.acquire()
    try:
        runner.guarded_write([_message("assistant")])
    except LockTimeoutError:
        other.release()
    else:
        raise AssertionError("the lock is held, and was had")


def _written_over(old: bytes, new: bytes) -> Act:
    def act(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
        text = transcript.read_bytes()
        with transcript.open("r+b") as file:
            file.write(text.replace(old, new))

    return act


def _laundered(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
    _without_the_lock(lambda: _message("user"))(runner, other, transcript)
    runner.append([_message("assistant")])


def _linked(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
    link = transcript.with_name("link")
    link.hardlink_to(transcript)
    link.unlink()


def _away_and_back(runner: ExternalFence, other: ExternalFence, transcript: Path) -> None:
    away = transcript.rename(transcript.with_name("away"))
    away.rename(transcript)


def _mirror() -> bytes:
    return _message("assistant", provider="openclaw", model="delivery-mirror")


def _custom() -> bytes:
    return _line({"type": "custom", "customType": "note", "data": {"a": 1}})


_ACTS: dict[str, Act] = {
    "nothing": lambda runner, other, transcript: None,
    "R appends through the controller": lambda runner, other, transcript: runner.guarded_write(
        [_message("toolResult")]
    ),
    "C appends a user line under the lock": _under_the_lock(lambda: _message("user")),
    "C appends an assistant line under the lock": _under_the_lock(lambda: _message("assistant")),
    "C appends a delivery-mirror line under the lock": _under_the_lock(_mirror),
    "C appends custom metadata under the lock": _under_the_lock(_custom),
    "C appends a label under the lock": _under_the_lock(
        lambda: _line({"type": "label", "targetId": "e1", "label": "x"})
    ),
    "C appends a model change under the lock": _under_the_lock(
        lambda: _line({"type": "model_change", "provider": "a", "modelId": "b"})
    ),
    "C rewrites the same bytes in place under the lock": _rewritten("in_place"),
    "C renames a file of the same bytes over it under the lock": _rewritten("rename"),
    "C holds the lock longer than R waits, and writes nothing": _held,
    "X appends a user line": _without_the_lock(lambda: _message("user")),
    "X appends an assistant line": _without_the_lock(lambda: _message("assistant")),
    "X appends a delivery-mirror line": _without_the_lock(_mirror),
    "X appends custom metadata": _without_the_lock(_custom),
    "X appends a user line, then R appends outside the controller": _laundered,
    "R appends outside the controller": lambda runner, other, transcript: runner.append(
        [_message("assistant")]
    ),
    "X changes bytes in place, same size": _written_over(b"said", b"SAID"),
    "X writes the same bytes in place": _written_over(b"said", b"said"),
    "X replaces the file by rename": _replaced,
    "chmod only": lambda runner, other, transcript: os.chmod(transcript, 0o644),
    "touch only": lambda runner, other, transcript: os.utime(transcript),
    "a hard link is made and removed": _linked,
    "the file is renamed away and back": _away_and_back,
}


def main() -> None:
    """Print the verdicts of each fence, and those that differ from `ROWS`."""
    fences = sys.argv[1:] or [name for cut in openclaw.fetched() for name in cut.fences]
    for fence in fences:
        with playing(fence) as classes:
            cells = []
            for row, expected in ROWS.items():
                with tempfile.TemporaryDirectory() as folder:
                    said = play(classes, row, Path(folder))
                off = "" if said == expected[column_of(fence)] * _DECISIONS else "!"
                cells.append(f"{said}{off}")
        print(f"{fence:<32}", *(f"{cell:<4}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
