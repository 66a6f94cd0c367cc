"""Run an adapter under test with its session directory, in virtual time that passes at once."""

from __future__ import annotations

import os
import shlex
from typing import Any

from fence.external.adapter import Adapter
from fence.external.host_hooks import HostHooks
from fence.external.wire import Answer, Doubt, Hello, Sleep, Waits, quoted, with_lines
from fence.locks import KINDS, LockFile
from harness.model.errors import HarnessError

__all__ = ["Off", "Stage"]

_START_NS = 1_780_000_000_000_000_000
_STEP_NS = 1_000_000
_SLEEPS_MAX = 10_000
_LINES = {"append": "entries", "guarded_write": "entries", "rewrite": "lines"}


class Off(HarnessError):
    """An adapter breaks the protocol."""


class _Clock(HostHooks):
    """Virtual time: a step for each line, and a jump when a request sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = _START_NS

    def now_ns(self) -> int:
        self.now += _STEP_NS
        return self.now


class Stage:
    """All processes of one adapter: one for all lanes, or one for each.

    Args:
        command: of the adapter.
        hello: its own description.
        directory: the session directory; empty.
        source: what declares the lock, for messages.
    """

    def __init__(self, command: str, hello: Hello, directory: str, source: str = "hello") -> None:
        self._source = source
        self.argv = tuple(shlex.split(command))
        self.hello = hello
        self.directory = directory
        self.path = os.path.join(directory, "transcript.jsonl")
        self.clock = _Clock()
        self._adapters: dict[str, Adapter] = {}
        self._said = b""

    def close(self) -> None:
        """End all processes."""
        for adapter in self._adapters.values():
            adapter.end()
        self._adapters.clear()

    # A schedule

    def begin(self, content: bytes | None, **options: int) -> None:
        """Make new files and begin a schedule with every adapter.

        Args:
            content: of the transcript; None for no file.
            options: for the fence.
        """
        for entry in os.scandir(self.directory):
            # A lock may be a directory.
            (os.rmdir if entry.is_dir(follow_symlinks=False) else os.unlink)(entry.path)
        if content is not None:
            self.write(content)
        self._options = options
        for lane in list(self._adapters):
            self._begin(lane)

    def _begin(self, lane: str) -> None:
        lanes = [lane] if lane else ["runner", "cron"]
        fields = {"transcript": self.path, "lanes": lanes, "options": self._options}
        answer = self._hear(self._adapters[lane], self._adapters[lane].ask("begin_schedule", fields))
        if not isinstance(answer, Answer) or answer.kind != "ok":
            raise self.off("begin_schedule: expected ok")

    def adapter(self, lane: str) -> Adapter:
        """Return the process that serves a lane; start it if needed."""
        key = lane if self.hello.per_lane else ""
        adapter = self._adapters.get(key)
        if adapter is None or adapter.ended:
            adapter = self._adapters[key] = Adapter(self.argv, os.getcwd(), self.clock)
            if adapter.greet() != self.hello:
                raise self.off("hello: another answer than the first time")
            self._begin(key)
        return adapter

    # Requests

    def ask(self, lane: str, do: str, *lines: bytes, handle: int = 0, **fields: Any) -> int:
        """Send a request and return its number."""
        if do in _LINES:
            fields |= with_lines(_LINES[do], lines)
        return self.adapter(lane).ask(do, {"lane": lane, "handle": handle, **fields})

    def hear(self, lane: str, number: int) -> Answer | Sleep | Waits | Doubt:
        """Return the next message about a request."""
        return self._hear(self.adapter(lane), number)

    def _hear(self, adapter: Adapter, number: int) -> Answer | Sleep | Waits | Doubt:
        heard = adapter.receive(number)
        self._said = adapter.last
        return heard

    def wake(self, lane: str, number: int, slept: Sleep) -> None:
        """Let a sleep pass and tell the adapter."""
        self.clock.now += round(slept.duration_ms * 1e6)
        self.adapter(lane).send_message(number, "slept", {})

    def finish(self, lane: str, number: int, first: object = None) -> Answer:
        """Let a request sleep until its answer, and return the answer.

        Args:
            lane: of the request.
            number: of the request.
            first: message about it that was received already.

        Raises:
            Off: it waits for another request, doubts, or is never answered.
        """
        heard = first or self.hear(lane, number)
        for _ in range(_SLEEPS_MAX):
            if isinstance(heard, Answer):
                return heard
            if not isinstance(heard, Sleep):
                raise self.off("expected an answer, for no other request is open")
            self.wake(lane, number, heard)
            heard = self.hear(lane, number)
        raise self.off(f"slept {_SLEEPS_MAX} times and has no answer")

    def call(self, lane: str, do: str, *lines: bytes, handle: int = 0, **fields: Any) -> Answer:
        """Send a request and return its answer."""
        return self.finish(lane, self.ask(lane, do, *lines, handle=handle, **fields))

    def expect(
        self, lane: str, do: str, *lines: bytes, kinds: tuple[str, ...] = ("ok",), **more: Any
    ) -> Answer:
        """Send a request and return its answer, which must be of some kinds.

        Raises:
            Off: the answer is of another kind.
        """
        answer = self.call(lane, do, *lines, **more)
        if answer.kind not in kinds:
            raise self.off(f"{do} of {lane}: expected {' or '.join(kinds)}, got {answer.kind}")
        return answer

    def off(self, why: str) -> Off:
        """Return an error that quotes the last line of the adapter."""
        return Off(f"{why}, in the line {quoted(self._said)}" if self._said else why)

    # Files

    def read(self) -> bytes:
        """Return the transcript's bytes; empty when there is no file."""
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def write(self, content: bytes) -> None:
        """Replace the transcript's bytes, as a rogue would."""
        with open(self.path, "wb") as file:
            file.write(content)

    def expect_bytes(self, expected: bytes, after: str) -> None:
        """Check the transcript's bytes.

        Raises:
            Off: they differ.
        """
        found = self.read()
        if found != expected:
            at = next((at for at, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), None)
            at = min(len(found), len(expected)) if at is None else at
            raise self.off(
                f"after {after} the transcript has {len(found)} bytes, expected {len(expected)}; they differ "
                f"at byte {at}: {quoted(found[at : at + 40])} for {quoted(expected[at : at + 40])}"
            )

    @property
    def excludes(self) -> bool:
        """Return whether the adapter named a lock that keeps others out."""
        return KINDS[self.hello.lock].excludes

    def is_held(self) -> bool:
        """Return whether each of the locks that the adapter named is held."""
        return all(KINDS[lock.kind].is_held(self.path, lock.beside(self.path)) for lock in self._locks())

    def _locks(self) -> tuple[LockFile, ...]:
        hello = self.hello
        return (LockFile(hello.lock, hello.lock_path), *hello.further_locks)

    def expect_lock(self, held: bool, after: str) -> None:
        """Check that the lock is held, or free.

        Raises:
            Off: it is not.
        """
        if self.excludes and self.is_held() != held:
            locks = self._locks()
            files = [lock.beside(self.path) or self.path + KINDS[lock.kind].suffix for lock in locks]
            name = " and ".join(os.path.basename(file) for file in files)
            kinds = ", ".join(lock.kind for lock in locks)
            state = "is not held" if held else "is still held"
            raise self.off(f"after {after} the lock {name} ({kinds}), which {self._source} names, {state}")
