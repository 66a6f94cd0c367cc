"""Implement PR #84046: lines that a runner would append are no takeover."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

from fence.protocol import Site
from fence.stat_2026_5_17 import StatFence
from fence.statx import FileStat, statx
from fence.transcript import append_lines, read_all

__all__ = ["RUNNER_ROLES", "Pr84046Fence", "Snapshot"]

RUNNER_ROLES = frozenset({"assistant", "toolResult", "bashExecution"})
_ABSENT = FileStat(0, 0, -1, 0, 0, None)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The runner's knowledge of the file.

    Args:
        stat: the file at the begin of the look.
        content: the bytes that were read, or that must be there after an own write.
        digest: SHA-256 of the content; None if the file changed during the look.
    """

    stat: FileStat
    content: bytes
    digest: bytes | None


class Pr84046Fence(StatFence):
    """Reads the file when stat differs, and accepts lines that the runner itself would write.

    Source: OpenClaw PR #84046, closed unmerged, from its description. While stat and birth time are
    equal nothing is read. Otherwise the change must be an append to the same file: same device and
    inode, same birth time, not shorter, the old bytes unchanged by their SHA-256, and each new line
    an entry of the runner's own (assistant, toolResult, bashExecution). A file that changes during
    a look is reported as taken over, without a second look. After a guarded write the next snapshot
    is hashed over the known and the appended bytes, not read again. Verdict and lock time-out are
    sticky as in 2026.5.17. Only the role of an entry is checked here, not its full form.

    It does not catch: a write between load and release; a rogue or a co-tenant that appends lines of
    a runner's role; a rewrite of equal size between its last look and the stat after its own append;
    a change of equal size inside one tick of the file's clock; a store through a mapping. It reports
    any co-tenant's user line or compaction as a takeover, as intended.
    """

    about: ClassVar[str] = "stat, then content: appends that the runner itself would make, PR #84046"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._snapshot: Snapshot | None = None

    def begin_turn(self) -> None:
        """Forget the last turn's verdict and take the lock."""
        self._snapshot = None
        super().begin_turn()

    # Reading

    def _stat(self) -> FileStat:
        try:
            return statx(self.path)
        except FileNotFoundError:
            return _ABSENT

    def _read(self) -> bytes:
        return read_all(self.path)

    def _remember(self) -> None:
        before = self._stat()
        content = self._read()
        steady = self._steady_snapshot(before, content, self._stat())
        self._snapshot = Snapshot(before, content, self._digest(content) if steady else None)

    def _check(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        now = self._stat()
        if snapshot.digest is not None and self._same_stat(snapshot.stat, now):
            return
        content = self._read()
        for check, holds in self._guards(snapshot, now, content, self._stat()):
            if not holds:
                self._refuse(check)
        # The content that the next snapshot is hashed over if the write succeeds.
        self._snapshot = dataclasses.replace(snapshot, content=content)

    def _guards(
        self, snapshot: Snapshot, now: FileStat, content: bytes, after: FileStat
    ) -> Iterator[tuple[str, bool]]:
        """Yield the conditions of an acceptable change one by one, each with the name to report it by."""
        old_size, digest = len(snapshot.content), snapshot.digest
        yield "moved during the snapshot", digest is not None
        yield "moved during the look", self._steady_slow_path(now, content, after)
        yield "another file", self._same_file(snapshot.stat, now)
        yield "another birth time", self._same_birth(snapshot.stat, now)
        yield "shorter", self._not_shorter(old_size, content)
        yield "other bytes", self._same_prefix(digest, content[:old_size])
        yield "entries that are not the runner's", self._all_canonical(content[old_size:])

    # Writing

    def _write(self, entries: Sequence[bytes]) -> None:
        try:
            append_lines(self.path, entries)
        except BaseException:
            self._after_throw()
            raise
        if self._snapshot is None:
            self._remember()
            return
        content = self._snapshot.content + b"".join(entries)
        now = self._stat()
        steady = self._steady_snapshot(now, content, now)
        self._snapshot = Snapshot(now, content, self._digest(content) if steady else None)

    # The guards: small methods, so that a subclass can disable each one separately

    def _after_throw(self) -> None:
        """Take a new snapshot: a write that failed may have left a part of its bytes."""
        self._remember()

    def _steady_snapshot(self, before: FileStat, content: bytes, after: FileStat) -> bool:
        return before == after and len(content) == max(after.size, 0)

    def _steady_slow_path(self, before: FileStat, content: bytes, after: FileStat) -> bool:
        return before == after and len(content) == max(after.size, 0)

    def _same_stat(self, old: FileStat, new: FileStat) -> bool:
        return (
            self._same_file(old, new)
            and self._same_birth(old, new)
            and self._same_size(old, new)
            and (old.mtime_ns, old.ctime_ns) == (new.mtime_ns, new.ctime_ns)
        )

    def _same_file(self, old: FileStat, new: FileStat) -> bool:
        return (old.dev, old.ino) == (new.dev, new.ino)

    def _same_birth(self, old: FileStat, new: FileStat) -> bool:
        return old.birth_ns == new.birth_ns

    def _same_size(self, old: FileStat, new: FileStat) -> bool:
        return old.size == new.size

    def _not_shorter(self, old_size: int, content: bytes) -> bool:
        return len(content) >= old_size

    def _same_prefix(self, digest: bytes | None, prefix: bytes) -> bool:
        return self._digest(prefix) == digest

    def _digest(self, content: bytes) -> bytes:
        return hashlib.sha256(content).digest()

    def _all_canonical(self, appended: bytes) -> bool:
        if appended and not appended.endswith(b"\n"):
            return False
        return all(_role(line) in RUNNER_ROLES for line in appended.split(b"\n")[:-1])


def _role(line: bytes) -> str:
    """Return the role of an entry's message, or the type of another entry; empty for other lines."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(entry, dict):
        return ""
    message = entry.get("message")
    role = message.get("role") if isinstance(message, dict) else entry.get("type")
    return role if isinstance(role, str) else ""
