"""Try the session store of a version that was just unpacked, whose API may be another than the tried one.

A lane opens a session, appends a message to it, and closes it, in a directory of its own and in real time.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from fence.errors import AdapterError
from fence.external.adapter import Adapter
from fence.external.host_hooks import HostHooks
from fence.external.wire import Answer, quoted

__all__ = ["fault_of"]

_CHARS_MAX = 300
#: Some import a thousand files and a large native part.
_PATIENCE_S = 120.0
_LANE = "trial"
_HEADER = '{"type":"session","id":"0","version":3,"timestamp":"2026-01-01T00:00:00.000Z","cwd":"/"}\n'
_ENTRY = (
    '{"type":"message","id":"trial","parentId":null,"timestamp":"2026-01-01T00:00:00.000Z",'
    '"message":{"role":"assistant","content":[{"type":"text","text":"x"}]}}\n'
)


def fault_of(command: str, folder: Path) -> str:
    """Return what an adapter's session store lacks, in one line; empty if it works.

    Args:
        command: starts the adapter.
        folder: an empty directory for the session.
    """
    transcript = folder / "transcript.jsonl"
    transcript.write_text(_HEADER, encoding="utf-8")
    hooks = HostHooks()
    hooks.patience_s = _PATIENCE_S
    try:
        adapter = Adapter(shlex.split(command), str(folder), hooks)
        try:
            adapter.greet()
            adapter.begin_schedule(object(), str(transcript), {"lanes": [_LANE], "options": {}})
            for do, fields in (("acquire", {}), ("append", {"entries": [_ENTRY]}), ("release", {})):
                number = adapter.ask(do, {"lane": _LANE, "handle": 0, **fields})
                answer = adapter.receive(number)
                if not isinstance(answer, Answer) or answer.kind != "ok":
                    return f"{do}: {quoted(adapter.last)}"
        finally:
            adapter.end()
    except AdapterError as error:
        return " ".join(str(error).split())[-_CHARS_MAX:]
    return "" if _holds(transcript) else "a message that was appended is not in the session's file"


def _holds(transcript: Path) -> bool:
    """Return whether the file has the appended message, with what the store makes of it around it."""
    for line in transcript.read_text(encoding="utf-8").splitlines():
        if json.loads(line).get("message", {}).get("id") == "trial":
            return True
    return False
