"""Run plain turns on a file of the same size, which the growth of a fence is measured against.

A fence without a gate makes file calls and hashes in one process, and the reference of two processes
does not slow down as these do. So one yardstick makes the file calls of every fence's turn, and the
other also reads and hashes the whole content. Both belong to the version of
`harness.tools.bench.reference`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from types import TracebackType
from typing import Self

from harness.system.tree_removal import remove_tree
from harness.tools.bench.sampling import Spent

__all__ = ["ContentYardstick", "PlainYardstick"]

_CHUNK = 1 << 16
_LINES_STRIDE = 4
_ENTRY = b'{"type":"message","id":"yardstick","message":{"role":"assistant","content":"x"}}\n'


class PlainYardstick:
    """Reads the file, then times a lock file and an append. Use as a context manager.

    Args:
        content: of the file.
        turns: of each run.
        root: where to make a folder.
    """

    def __init__(self, content: bytes, turns: int, root: str) -> None:
        self._content, self._turns, self._root = content, turns, root

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix="yardstick-", dir=self._root)
        self._path = os.path.join(self._folder, "transcript.jsonl")
        with open(self._path, "wb") as file:
            file.write(self._content)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        remove_tree(self._folder)

    def run(self) -> Spent:
        """Run the turns and return their time; the read before each turn is not timed."""
        spent = Spent(0, 0)
        for _ in range(self._turns):
            spent = spent.plus(self._one())
        return spent

    def _one(self) -> Spent:
        _read(self._path)
        before, began = time.process_time_ns(), time.perf_counter_ns()
        self._lock_and_append()
        spent = Spent(time.process_time_ns() - before, time.perf_counter_ns() - began)
        os.truncate(self._path, len(self._content))
        return spent

    def _lock_and_append(self) -> None:
        lock = f"{self._path}.lock"
        fd = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, json.dumps({"pid": os.getpid(), "createdAt": time.time()}).encode())
        os.close(fd)
        os.stat(self._path)
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        os.write(fd, _ENTRY)
        os.close(fd)
        os.stat(self._path)
        os.unlink(lock)


class ContentYardstick(PlainYardstick):
    """Also times a read of the whole content, a hash of it, and hashes of some lines."""

    def _lock_and_append(self) -> None:
        super()._lock_and_append()
        content = _read(self._path)
        hashlib.sha256(content).digest()
        for line in content.split(b"\n")[::_LINES_STRIDE]:
            hashlib.blake2b(line, digest_size=16).hexdigest()


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    chunks = []
    while chunk := os.read(fd, _CHUNK):
        chunks.append(chunk)
    os.close(fd)
    return b"".join(chunks)
