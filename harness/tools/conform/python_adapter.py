"""Serve a fence in Python as an adapter, so that the conformance test can ask it what it asks of any other.

There is one adapter for each lane. Sleeps and clocks are the caller's virtual time. A run does not
need this module: there a fence in Python is called directly. A run replaces a process that still has the
lock when a schedule ends. Here the process goes on, so that state in its modules shows, and the files that
it has locked are closed.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import sys
from typing import Any

from fence.errors import LockTimeoutError, StaleLockError, TakeoverError
from fence.external.wire import VERSION
from fence.protocol import Fence, Site
from harness.lanes.clock_patches import replace_clocks
from harness.scenario.fence_reference import resolve
from harness.system.descriptors import close_locked
from takeover_harness.own_packages import start

__all__ = ["command_of", "serve"]

_Fields = dict[str, Any]
_PLAIN = frozenset({"begin_turn", "release_for_prompt", "end_turn", "acquire", "release"})


def command_of(reference: str) -> tuple[str, ...]:
    """Return the command that serves a fence by its reference."""
    serve = f"from {__name__} import serve; serve({reference!r})"
    return (sys.executable, "-c", start(sys.path) + serve)


class _PythonAdapter:
    """Answers the requests for one lane, one after the other.

    Args:
        fence: class of the fence.
    """

    def __init__(self, fence: type[Fence]) -> None:
        self._fence = fence
        self._now_ns = 0
        self._request = -1
        self._schedule: _Fields = {}
        self._process: dict[str, Any] = {}
        self._handles: dict[int, Fence] = {}
        # The fence's own output is not for the caller.
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def serve(self) -> None:
        """Answer requests until standard input ends."""
        replace_clocks(lambda: self._now_ns, self._sleep)
        while (line := self._receive()) is not None:
            self._request = line["id"]
            self._send(self._answer(line))

    def _receive(self) -> _Fields | None:
        text = sys.stdin.buffer.readline()
        if not text:
            return None
        line: _Fields = json.loads(text)
        self._now_ns = round(line["now_ms"] * 1e6)
        return line

    def _send(self, fields: _Fields) -> None:
        self._out.write(json.dumps({"id": self._request, **fields}).encode() + b"\n")

    def _sleep(self, seconds: float) -> None:
        self._send({"sleep_ms": seconds * 1000})
        if self._receive() is None:
            os._exit(0)

    def _answer(self, line: _Fields) -> _Fields:
        try:
            return {"answer": "ok", **(self._result(line) or {})}
        except NotImplementedError:
            return {"answer": "unsupported"}
        except TakeoverError as error:
            return {"answer": "takeover", "check": str(error)}
        except LockTimeoutError as error:
            return {"answer": "lock_timeout", "message": str(error)}
        except StaleLockError as error:
            return {"answer": "stale_lock", "message": str(error)}
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "EIO")
            return {"answer": "error", "code": code, "message": f"{type(error).__name__}: {error}"}
        except Exception as error:  # a fence may raise anything
            return {"answer": "error", "message": f"{type(error).__name__}: {error}"}

    def _result(self, line: _Fields) -> _Fields | None:
        do = line["do"]
        if do == "hello":
            return self._hello()
        if do == "begin_schedule":
            self._schedule, self._process = line, {}
            self._handles.clear()
            close_locked()
            return None
        handle = self._handle(line)
        if do == "load":
            return {"base64": base64.b64encode(handle.load()).decode()}
        if do == "append":
            handle.append(_lines(line, "entries"))
        elif do == "guarded_write":
            handle.guarded_write(_lines(line, "entries"))
        elif do == "rewrite":
            handle.rewrite(_lines(line, "lines"), line["how"])
        elif do in _PLAIN:
            getattr(handle, do)()
        elif do != "recover" or not handle.recover():
            raise NotImplementedError
        return None

    def _hello(self) -> _Fields:
        fence = self._fence
        return {
            "protocol": VERSION,
            "name": fence.about,
            "lock": fence.lock_kind,
            "lock_path": fence.lock_path,
            "further_locks": [list(lock) for lock in fence.declared_locks()[1:]],
            "serves": "lane",
            "operations": ["recover", "rewrite"],
            "sound_under": list(fence.sound_under),
        }

    def _handle(self, line: _Fields) -> Fence:
        number = line["handle"]
        if number not in self._handles:
            schedule = self._schedule
            site = Site(schedule["transcript"], line["lane"], self._process, schedule["options"])
            self._handles[number] = self._fence(site)
        return self._handles[number]


def _lines(line: _Fields, key: str) -> list[bytes]:
    if key in line:
        return [text.encode() for text in line[key]]
    return [base64.b64decode(text) for text in line[f"{key}_base64"]]


def serve(reference: str) -> None:
    """Serve a fence by its reference; the whole of such a process."""
    _PythonAdapter(resolve(reference)).serve()
