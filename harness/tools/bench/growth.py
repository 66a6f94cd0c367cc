"""Measure what a fence's release and decision cost as the transcript grows, without a gate.

A handle plays one undisturbed turn: load, release, decision. The gate would read the whole
transcript after each step, and so measure itself. The bytes that the fence hashes are counted in
another process, so that counting costs no time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import time
from collections.abc import Generator
from typing import Any, ClassVar, NamedTuple

import msgspec

from fence.protocol import Fence, Site
from harness.model import transcript_lines
from harness.model.errors import UsageError
from harness.scenario.fence_reference import resolve
from harness.system.tree_removal import remove_tree
from harness.tools.bench.figures import Quantity, quantity_of
from harness.tools.bench.hashing import counted_apart, hashed_bytes
from harness.tools.bench.sampling import Spent, in_turns
from harness.tools.bench.yardsticks import ContentYardstick, PlainYardstick

__all__ = ["CALLS", "ROOM", "SIZES", "GrowthBench", "size_of"]

#: Bytes of the transcripts: 1 KiB, 4 KiB ... 64 MiB.
SIZES = tuple(1 << bits for bits in range(10, 27, 2))
#: The timed calls, in the order of a turn.
CALLS = ("release", "decision")

_LINE_TEXT_BYTES = 400
#: A sample takes about so long, with as many turns as that allows, set-up and load included.
_SAMPLE_NS = 20_000_000
_TURNS_MAX = 64
#: Pieces of a sample, with the reference between them.
_PIECES = 4
#: The file system needs room for so many times the largest transcript.
ROOM = 3


class _Turns(NamedTuple):
    """Time of the calls of some turns."""

    release: Spent
    decision: Spent


class _Stage:
    """Plays turns on a transcript of a size, and restores it after each. Use as a context manager."""

    def __init__(self, kind: type[Fence], size: int, root: str) -> None:
        self._kind = kind
        self._size = size
        self._folder = tempfile.mkdtemp(prefix="growth-", dir=root)
        self._path = os.path.join(self._folder, "transcript.jsonl")
        self._entry = (
            transcript_lines.make("assistant", "growth-reply", _LINE_TEXT_BYTES).line.encode() + b"\n"
        )

    def __enter__(self) -> _Stage:
        with open(self._path, "wb") as file:
            file.write(_content(self._size))
        return self

    def __exit__(self, *_: object) -> None:
        remove_tree(self._folder)

    def turn(self) -> tuple[int, ...]:
        """Play one turn; return the clocks before, between and after its two calls."""
        handle = self._kind(Site(self._path, "runner", {}, {}))
        handle.begin_turn()
        handle.load()
        started = _clocks()
        handle.release_for_prompt()
        between = _clocks()
        handle.guarded_write([self._entry])
        ended = _clocks()
        handle.end_turn()
        self._restore()
        return (*started, *between, *ended)

    def _restore(self) -> None:
        os.truncate(self._path, self._size)
        for name in os.listdir(self._folder):
            if name != os.path.basename(self._path):
                os.unlink(os.path.join(self._folder, name))

    def time_turns(self, turns: int) -> _Turns:
        """Play some turns in a row and return the time of their calls."""
        release = decision = Spent(0, 0)
        for _ in range(turns):
            cpu, wall, _, cpu_between, wall_between, _, cpu_end, wall_end, _ = self.turn()
            release = release.plus(Spent(cpu_between - cpu, wall_between - wall))
            decision = decision.plus(Spent(cpu_end - cpu_between, wall_end - wall_between))
        return _Turns(release, decision)

    def turns(self) -> int:
        """Return how many turns make a sample."""
        self.turn()
        started = time.process_time_ns()
        self.turn()
        return max(1, min(_TURNS_MAX, _SAMPLE_NS // max(1, time.process_time_ns() - started)))

    def hashed(self) -> tuple[int, int]:
        """Return the bytes hashed by the calls of one turn, in the order of `CALLS`."""
        _, _, before, _, _, between, _, _, after = self.turn()
        return between - before, after - between


def _clocks() -> tuple[int, int, int]:
    """Return processor time and time on the clock, nanoseconds, and bytes hashed if counted."""
    return time.process_time_ns(), time.perf_counter_ns(), hashed_bytes()


def _content(size: int) -> bytes:
    """Return whole lines of exactly so many bytes together."""
    header = transcript_lines.make("session", "growth", 0).line.encode() + b"\n"
    line = transcript_lines.make("user", "growth-line", _LINE_TEXT_BYTES).line.encode() + b"\n"
    body = line * max(0, (size - len(header)) // len(line) - 1)
    # The text of the last line fills the rest.
    begin, end = b'{"type":"custom","text":"', b'"}\n'
    text = b"x" * (size - len(header) - len(body) - len(begin) - len(end))
    return header + body + begin + text + end


def size_of(size: int) -> str:
    """Return a number of bytes in KiB or MiB, for people."""
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


class GrowthBench(msgspec.Struct, frozen=True):
    """Measure one fence over all sizes: work for an explorer process.

    Args:
        fence: reference of a fence in Python.
        sizes: bytes.
        rounds: samples of each.
    """

    finds: ClassVar[Any] = Quantity | None

    fence: str
    sizes: tuple[int, ...]
    rounds: int

    def run(self, root: str) -> Generator[Quantity | None, None, None]:
        """Measure the fence.

        Yields:
            None after each round; two quantities for each size.

        Raises:
            UsageError: the fence fails in an undisturbed turn.
        """
        try:
            # Before this process has imported the fence.
            hashed = counted_apart(lambda: self._hashed(root), list[tuple[int, int]])
            for size, counts in zip(self.sizes, hashed, strict=True):
                yield from self._timed(size, root, counts)
        except Exception as error:  # a fence of the user may raise anything
            raise UsageError(
                f"{self.fence}: an undisturbed turn fails: {type(error).__name__}: {error}; "
                "give other fences, or other --parts than growth"
            ) from error

    def _hashed(self, root: str) -> list[tuple[int, int]]:
        counts = []
        for size in self.sizes:
            with _Stage(resolve(self.fence), size, root) as stage:
                counts.append(stage.hashed())
        return counts

    def _timed(self, size: int, root: str, hashed: tuple[int, int]) -> Generator[Quantity | None, None, None]:
        taken = []
        kinds = [PlainYardstick, *([ContentYardstick] if any(hashed) else [])]
        with contextlib.ExitStack() as stack:
            stage = stack.enter_context(_Stage(resolve(self.fence), size, root))
            wanted = stage.turns()
            pieces, turns = min(_PIECES, wanted), -(-wanted // _PIECES)
            yardsticks = [stack.enter_context(kind(_content(size), turns, root)) for kind in kinds]
            piece = functools.partial(stage.time_turns, turns)
            for references_ns, parts in in_turns(yardsticks, [piece] * pieces, self.rounds):
                spent = [
                    functools.reduce(Spent.plus, [getattr(part, call) for part in parts]) for call in CALLS
                ]
                taken.append((references_ns, spent))
                yield None
        turns *= pieces
        for number, call in enumerate(CALLS):
            yield quantity_of(
                f"{call} of {self.fence}, {size_of(size)}",
                "growth",
                "us",
                {"fence": self.fence, "size": size, "call": call, "line": _LINE_TEXT_BYTES},
                [
                    (
                        spent[number].cpu_ns / pieces / references_ns[-1 if hashed[number] else 0],
                        spent[number].cpu_ns / turns / 1e3,
                        spent[number].wall_ns / turns / 1e3,
                    )
                    for references_ns, spent in taken
                ],
                [{"bytes_hashed": hashed[number]}],
                against="a plain turn and its content" if hashed[number] else "a plain turn",
            )
