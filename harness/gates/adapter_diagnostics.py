"""The last output of an external fence's adapter, for when nothing is known of its process."""

from __future__ import annotations

import contextlib
import os

from harness.model.shared_memory import SharedMemory

__all__ = ["last_words"]


def last_words(pid: int, board: SharedMemory) -> str:
    """Return the last output of an adapter; empty where the fence is not external.

    Args:
        pid: of the worker; where it has ended, what its board says is all there is.
        board: shared with it.
    """
    words = [board.diagnostics()]
    if words[0] and not board.has_error:
        words += [f"standard error: {tail}" for tail in _tails(pid)]
    return "; ".join(filter(None, words))


def _tails(pid: int) -> list[str]:
    # Imported here because few fences have an adapter.
    from fence.external.adapter import STDERR, tail_of

    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{name}"
            with contextlib.suppress(OSError):
                if STDERR in os.readlink(path):
                    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                    try:
                        found.append(tail_of(fd))
                    finally:
                        os.close(fd)
    return [tail for tail in found if tail]
