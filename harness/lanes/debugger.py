"""The debugger of Python in a lane: pdb in the thread of the lane, on the terminal of the user.

The lane stands between two of its file calls then, and no other lane moves. The supervisor is told that a
user is at work, so that it does not take the lane for one that sleeps.
"""

from __future__ import annotations

import os
import pdb
import signal
from types import FrameType
from typing import Any

from harness.lanes.line_tracer import LineTracer, Local
from harness.model.code_memory import CodeMemory
from harness.model.debug_spec import DebugSpec
from harness.model.shared_memory import SharedMemory
from harness.system.source_files import OURS, owner_of, short

__all__ = ["LaneDebugger"]

_LEFT = "the debugger was left"


class _Input:
    """Lines of the user, read byte by byte: a lane of another process may want the next line."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def readline(self) -> str:
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(self._fd, 1)):
            line += byte
        return line.decode(errors="replace")


class _Output:
    """The output of the debugger, written at once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, text: str) -> int:
        data = text.encode(errors="backslashreplace")
        while data:
            data = data[os.write(self._fd, data) :]
        return len(text)

    def flush(self) -> None:
        pass


class _Pdb(pdb.Pdb):
    """Pdb that says when it waits for its user, and whose end is the end of the replay."""

    def __init__(self, spec: DebugSpec, memory: CodeMemory, shared_memory: SharedMemory) -> None:
        super().__init__(
            stdin=_Input(spec.reads),  # type: ignore[arg-type]  # of a file it reads lines only
            stdout=_Output(spec.writes),  # type: ignore[arg-type]
            nosigint=True,
            readrc=False,
        )
        self._memory = memory
        self._shared_memory = shared_memory
        self.prompt = "(Pdb) "

    def get_stack(self, f: FrameType | None, t: Any) -> tuple[list[tuple[FrameType, int]], int]:
        """Return the stack without the frames of the harness that called the fence."""
        stack, at = super().get_stack(f, t)
        ours = next(
            (n for n, (frame, _) in enumerate(stack) if owner_of(frame.f_code.co_filename) != OURS), 0
        )
        return stack[ours:], at - ours

    def interaction(self, frame: FrameType | None, traceback: Any) -> None:
        self._memory.attend(True)
        try:
            super().interaction(frame, traceback)
        finally:
            self._memory.attend(False)

    def do_quit(self, arg: str) -> bool | None:
        """Leave the debugger: the process ends, and the replay with it."""
        self._shared_memory.record_error(_LEFT)
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    do_q = do_exit = do_quit

    def do_EOF(self, arg: str) -> bool | None:
        """Go on to the end, for there will be no further command."""
        self.clear_all_breaks()
        self.message("")
        return self.do_continue("")


class LaneDebugger(LineTracer):
    """Follows one lane as `LineTracer` does, and stops it where the user wants.

    Args:
        lane: index of the lane.
        name: name of the lane.
        shared_memory: of its process.
        own: files that count as the user's.
        spec: where to stop.
    """

    def __init__(
        self, lane: int, name: str, shared_memory: SharedMemory, own: frozenset[str], spec: DebugSpec
    ) -> None:
        super().__init__(lane, shared_memory.code, own)
        self._spec = spec
        self._name = name
        self._shared_memory = shared_memory
        self._pdb: _Pdb | None = None

    def begins_line(self, frame: FrameType) -> Local | None:
        """Stop before a line that the user wants; return what follows the frame from then on."""
        spec = self._spec
        here = frame.f_code.co_filename, frame.f_lineno
        if self._pdb is not None or (self.count != spec.line and here not in spec.breaks):
            return None
        self._pdb = debugger = _Pdb(spec, self._memory, self._shared_memory)
        where = f"{short(here[0])}:{here[1]} {frame.f_code.co_name}"
        debugger.message(f"lane {self._name} (process {os.getpid()}) is at {where}; all other lanes stand")
        debugger.set_trace(frame)
        for file, line in spec.breaks:
            debugger.set_break(file, line)
        follows: Local | None = debugger.trace_dispatch(frame, "line", None)  # type: ignore[assignment]
        return follows
