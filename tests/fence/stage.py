"""Provide a transcript, handles on it, and rogues for the tests of all fences."""

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
    """Return one line of a transcript."""
    body = {"type": "message", "id": name, "message": {"role": role, "content": name}}
    return json.dumps(body).encode() + b"\n"


class Stage:
    """One transcript and its writers.

    Args:
        directory: an empty directory.
        fence: class or registered name of the fence under test.
        options: options for the fence.
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
        """Return a new handle for a lane of a process."""
        shared = self.processes.setdefault(process, {})
        return self.fence(Site(str(self.path), lane, shared, dict(self.options)))

    def thinking(self, lane: str = "runner", process: str = "gateway") -> Fence:
        """Return a runner that has loaded, appended and released the lock."""
        runner = self.handle(lane, process)
        runner.begin_turn()
        runner.load()
        runner.append([entry("user", f"{lane}-asks")])
        runner.release_for_prompt()
        tick()
        return runner

    def cotenant_appends(self, *lines: bytes, process: str = "gateway", lane: str = "cron") -> None:
        """Append under the lock."""
        cotenant = self.handle(lane, process)
        cotenant.acquire()
        cotenant.append(lines)
        cotenant.release()

    def cotenant_rewrites(self, lines: list[bytes], how: str, process: str = "gateway") -> None:
        """Compact under the lock."""
        cotenant = self.handle("compactor", process)
        cotenant.acquire()
        try:
            cotenant.load()
            cotenant.rewrite(lines, how)
        finally:
            cotenant.release()

    def rogue_appends(self, *lines: bytes) -> None:
        """Append without the lock."""
        with self.path.open("ab") as file:
            file.write(b"".join(lines))

    def rogue_replaces(self, content: bytes) -> None:
        """Rename another file over the path."""
        other = self.path.with_name("other")
        other.write_bytes(content)
        os.rename(other, self.path)

    def content(self) -> bytes | None:
        """Return the content that a reader sees; None if there is no file."""
        return self.path.read_bytes() if self.path.exists() else None

    def lines(self) -> list[bytes]:
        """Return the lines, each with its newline."""
        return self.path.read_bytes().splitlines(keepends=True)


def admits(runner: Fence, *lines: bytes) -> bool:
    """Return whether a guarded write is admitted."""
    try:
        runner.guarded_write(lines or [entry("assistant", "reply")])
    except TakeoverError:
        return False
    return True


def tick() -> None:
    """Wait until the file system's clock has advanced, so that time stamps differ."""
    time.sleep(0.02)
