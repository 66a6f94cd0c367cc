"""A transcript, handles on it, and rogues: what the tests of all fences share."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import fence
from fence.errors import TakeoverError
from fence.protocol import Fence, Site

__all__ = ["Stage", "admits", "entry", "tick"]


def entry(role: str, name: str) -> bytes:
    """One line of a transcript."""
    body = {"type": "message", "id": name, "message": {"role": role, "content": name}}
    return json.dumps(body).encode() + b"\n"


class Stage:
    """One transcript and those who write it.

    Args:
        directory: an empty one.
        fence: class or registered name of the fence under test.
        options: for the fence.
    """

    def __init__(
        self, directory: Path, fence_under_test: str | type[Fence], **options: int | str | bool
    ) -> None:
        self.path = directory / "transcript.jsonl"
        self.options = options
        self.fence = fence.load(fence_under_test) if isinstance(fence_under_test, str) else fence_under_test
        self.processes: dict[str, dict[str, Any]] = {}
        self.before = entry("user", "u0") + entry("assistant", "a0")
        self.path.write_bytes(self.before)

    def handle(self, lane: str, process: str = "gateway") -> Fence:
        """A new handle of a lane of a process."""
        shared = self.processes.setdefault(process, {})
        return self.fence(Site(str(self.path), lane, shared, dict(self.options)))

    def thinking(self, lane: str = "runner", process: str = "gateway") -> Fence:
        """A runner that has loaded, appended and let the lock go."""
        runner = self.handle(lane, process)
        runner.begin_turn()
        runner.load()
        runner.append([entry("user", f"{lane}-asks")])
        runner.release_for_prompt()
        tick()
        return runner

    def cotenant_appends(self, *lines: bytes, process: str = "gateway", lane: str = "cron") -> None:
        """An append under the lock."""
        cotenant = self.handle(lane, process)
        cotenant.acquire()
        cotenant.append(lines)
        cotenant.release()

    def cotenant_rewrites(self, lines: list[bytes], how: str, process: str = "gateway") -> None:
        """A compaction under the lock."""
        cotenant = self.handle("compactor", process)
        cotenant.acquire()
        try:
            cotenant.load()
            cotenant.rewrite(lines, how)
        finally:
            cotenant.release()

    def rogue_appends(self, *lines: bytes) -> None:
        """An append without the lock."""
        with self.path.open("ab") as file:
            file.write(b"".join(lines))

    def rogue_replaces(self, content: bytes) -> None:
        """Another file renamed over the path."""
        other = self.path.with_name("other")
        other.write_bytes(content)
        os.rename(other, self.path)

    def content(self) -> bytes | None:
        """What a reader of the transcript sees; None when there is no file."""
        return self.path.read_bytes() if self.path.exists() else None

    def lines(self) -> list[bytes]:
        """Its lines, each with its newline."""
        return self.path.read_bytes().splitlines(keepends=True)


def admits(runner: Fence, *lines: bytes) -> bool:
    """Whether a guarded write goes through."""
    try:
        runner.guarded_write(lines or [entry("assistant", "reply")])
    except TakeoverError:
        return False
    return True


def tick() -> None:
    """Let the file system's clock move on, so that time stamps differ."""
    time.sleep(0.02)
