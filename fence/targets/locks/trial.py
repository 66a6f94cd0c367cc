"""Try the lock of a version that was just unpacked: its API may be another than the one that was tried.

A lane takes the lock, writes a line, and lets the lock go, in a directory of its own and in real time.
"""

from __future__ import annotations

from pathlib import Path

from fence.errors import AdapterError, ExternalError, FenceError
from fence.external import external
from fence.protocol import Site

__all__ = ["fault_of"]

_TIMEOUT_MS = 2_000
_CHARS_MAX = 300


def fault_of(command: str, folder: Path) -> str:
    """Return what an adapter's lock lacks, in one line; empty if it works.

    Args:
        command: starts the adapter.
        folder: an empty directory for the transcript and its lock.
    """
    transcript = folder / "transcript.jsonl"
    transcript.write_bytes(b"")
    try:
        fence = external(command)
        try:
            handle = fence(Site(str(transcript), "trial", {}, {"lock_timeout_ms": _TIMEOUT_MS}))
            handle.acquire()
            handle.append([b"1\n"])
            handle.release()
        finally:
            fence.end()
    except (AdapterError, ExternalError, FenceError, OSError) as error:
        return _in_a_line(str(error))
    if transcript.read_bytes() != b"1\n":
        return "a line that was appended under the lock is not there"
    return ""


def _in_a_line(text: str) -> str:
    """Return the end of a message, which says what was raised."""
    text = text.partition("; see docs/external-fence.md")[0]
    last = text.rpartition(" | ")[2] if " | " in text else text
    return " ".join(last.split())[-_CHARS_MAX:]
