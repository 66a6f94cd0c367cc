"""Follow a lane through the lines of the fence, and keep the exceptions that its calls end with.

Used only where a code trace is collected: tracing every line takes time, and a search has none to spare.
The tracer makes no system call that could become a step, so the history is the one of the search.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from fence.protocol import Fence
from harness.model.code_memory import CodeMemory
from harness.model.code_trace import Place, Raised
from harness.system.source_files import OURS, USERS, WATCHED, owner_of, short, source_line

__all__ = ["LineTracer", "Local", "own_files", "print_at_once"]

#: Of a traceback, from its begin and from its end.
_TEXT_MAX = 4096
_PROTOCOL = sys.modules[Fence.__module__].__file__

Local = Callable[[FrameType, str, Any], Any]


def own_files(make_fence: object) -> frozenset[str]:
    """Return the files that a fence's class and its bases are in, but for the protocol's."""
    classes = make_fence.__mro__ if isinstance(make_fence, type) else ()
    modules = [sys.modules.get(one.__module__) for one in classes]
    files = {getattr(module, "__file__", None) for module in modules}
    return frozenset(file for file in files if file and file != _PROTOCOL and owner_of(file) != OURS)


def print_at_once() -> None:
    """Have what this process prints leave it line by line, so that each line belongs to its step."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)


class LineTracer:
    """Follows one lane.

    The line of a step is the innermost one of the user's own code. Where there is none, for the fence
    inherits the call, it is the line of the method that it inherits.

    Args:
        lane: index of the lane.
        memory: to tell the supervisor.
        own: files that count as the user's, see `own_files`.
    """

    def __init__(self, lane: int, memory: CodeMemory, own: frozenset[str]) -> None:
        self._lane = lane
        self._memory = memory
        self._own = own
        self._names: dict[CodeType, tuple[int, bytes, bytes]] = {}
        #: Frames that are followed, the outermost first.
        self._frames: list[FrameType] = []
        self.count = 0

    def run(self, call: Callable[[], None]) -> None:
        """Make a call and follow it."""
        before = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            call()
        finally:
            sys.settrace(before)
            # A fence may have put anything in its place, or closed it.
            with contextlib.suppress(Exception):
                sys.stdout.flush()

    def raised(self, op: int, error: BaseException) -> None:
        """Keep an exception that an operation ended with."""
        text, place = self._told(error)
        self._memory.record(Raised(self._lane, op, text, place))

    def _owner(self, file: str) -> int:
        return USERS if file in self._own else owner_of(file)

    def _on_call(self, frame: FrameType, event: str, argument: object) -> Local | None:
        code = frame.f_code
        known = self._names.get(code)
        if known is None:
            name = code.co_filename
            known = self._names[code] = (self._owner(name), os.fsencode(name), code.co_name.encode())
        if known[0] == OURS or (known[0] == WATCHED and self._frames):
            return None
        self._frames.append(frame)
        return self._on_line

    def _on_line(self, frame: FrameType, event: str, argument: object) -> Local:
        if event == "line":
            self.count += 1
            self._locate(frame)
            return self.begins_line(frame) or self._on_line
        if event == "return":
            self._leave(frame)
        return self._on_line

    def begins_line(self, frame: FrameType) -> Local | None:
        """Return what is to follow the frame from now on; None for this tracer. A debugger stops here."""
        return None

    def _leave(self, frame: FrameType) -> None:
        while self._frames:
            if self._frames.pop() is frame:
                break
        if self._frames:
            self._locate(self._frames[-1])
        else:
            self._memory.nowhere(self._lane, self.count)

    def _locate(self, frame: FrameType) -> None:
        _, file, function = self._names[frame.f_code]
        self._memory.locate(self._lane, self.count, frame.f_lineno or 0, file, function)

    def _told(self, error: BaseException) -> tuple[str, Place | None]:
        """Return an exception's traceback without the harness's frames, and the user's innermost line."""
        try:
            told = traceback.TracebackException.from_exception(error)
            place = self._cut(told)
            text = "".join(told.format()).rstrip("\n").encode(errors="backslashreplace").decode()
        except Exception:  # a fence's own class, which may do anything
            return f"{type(error).__name__} whose text cannot be had", None
        if len(text) > 2 * _TEXT_MAX:
            text = (
                f"{text[:_TEXT_MAX]}\n[... {len(text) - 2 * _TEXT_MAX} characters ...]\n{text[-_TEXT_MAX:]}"
            )
        return text, place

    def _cut(self, told: traceback.TracebackException) -> Place | None:
        """Take the harness's frames off an exception and its causes; return the user's innermost line."""
        place = None
        found: traceback.TracebackException | None = told
        while found is not None:
            inside = next((at for at, one in enumerate(found.stack) if self._owner(one.filename) != OURS), 0)
            del found.stack[:inside]
            users = [one for one in found.stack if self._owner(one.filename) == USERS]
            if users and place is None:
                last = users[-1]
                line = last.lineno or 0
                place = Place(short(last.filename), line, last.name, source_line(last.filename, line))
            for at, one in enumerate(found.stack):
                found.stack[at] = traceback.FrameSummary(
                    short(one.filename), one.lineno, one.name, lookup_line=False, line=one.line
                )
            found = found.__cause__ or found.__context__
        return place
