"""Start one adapter process, exchange lines with it, and end it.

The lines go over sockets, which under a kernel gate cost this process no trap. The adapter's standard
error is a file in memory, which needs no reader.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any

from fence.errors import AdapterError
from fence.external.host_hooks import HostHooks
from fence.external.time_limit import TimeLimit, with_descendants
from fence.external.wire import (
    Answer,
    Doubt,
    Hello,
    ProtocolError,
    Sleep,
    Waits,
    encode,
    hello_of,
    parse,
    quoted,
)

__all__ = ["LINE_BYTES_MAX", "STDERR", "Adapter", "tail_of"]

LINE_BYTES_MAX = 32 << 20
#: Name of the file in memory that is an adapter's standard error.
STDERR = "fence-stderr"

_CHUNK = 1 << 16
_STDERR_KEPT = 1 << 20
_TAIL_BYTES = 600
#: Where a line is looked for that names the error, and how much of it is shown.
_LOOKED_AT, _LINE_MAX = 1 << 16, 200
_ERROR = re.compile(r"(?i)\b(fatal|panic|out of memory)\b|\w*(error|exception)\b")
_LINES_KEPT = 6
_TOO_LARGE = " (a file may have 8 MiB here, and memory by memfd_create, which a JIT may take, is one)"
_REAP_S = 5.0
#: Processor time that an adapter has until it has answered hello: it may import a thousand files.
_HELLO_COMPUTING_S = 60.0
#: How long a socket waits until the limit is looked at.
_TICK_S = 0.1
#: Standard output closes a little before the process has ended.
_CLOSING_S = 1.0
_FILE_BYTES_MAX = 8 << 20
_PR_SET_PDEATHSIG = 1
#: Looked up here because a forked child should not do it.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_ENVIRONMENT = {"UV_THREADPOOL_SIZE": "1", "HARNESS_FENCE": "1"}


class Adapter:
    """This process's end of the connection to one adapter.

    Args:
        argv: program and arguments.
        directory: working directory of the adapter.
        hooks: receive every line and the reason of a failure.

    Raises:
        AdapterError: it cannot be started.
    """

    def __init__(self, argv: Sequence[str], directory: str, hooks: HostHooks) -> None:
        self._hooks = hooks
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._received = bytearray()
        self._number = 0
        #: Whether it was found to have been killed by SIGKILL, and not by this object.
        self.was_killed = False
        #: The last line from the adapter.
        self.last = b""
        #: The process-scoped state of the schedule that the adapter was told to begin.
        self.schedule: object = None
        #: How many schedules it has begun, whether it begins one, and where its standard error stood then.
        self._schedules = 0
        self._begins = False
        self._stderr_from = 0
        self._directory = ""
        self._greeted = False
        self._stderr = os.memfd_create(STDERR)
        self._to, far_in = socket.socketpair()
        self._from, far_out = socket.socketpair()
        for one in (self._to, self._from):
            one.settimeout(None if hooks.patience_s is None else _TICK_S)
        try:
            with far_in, far_out:
                self._process: subprocess.Popen[bytes] = subprocess.Popen(
                    argv,
                    stdin=far_in.fileno(),
                    stdout=far_out.fileno(),
                    stderr=self._stderr,
                    cwd=directory,
                    env={**os.environ, **_ENVIRONMENT},
                    start_new_session=True,
                    preexec_fn=_bounded,  # noqa: PLW1509  # calls without locks
                )
        except OSError as error:
            self._close()
            why = f"cannot be started: {error.strerror}: {error.filename or argv[0]}"
            hooks.give_up(f"the adapter {why}")
            raise AdapterError(why) from error

    @property
    def pid(self) -> int:
        """Return the adapter's process id."""
        return self._process.pid

    def fileno(self) -> int:
        """Return a descriptor that is readable when the adapter has sent something."""
        return self._from.fileno()

    def greet(self) -> Hello:
        """Ask the adapter for its name and properties.

        Raises:
            AdapterError: it does not answer with them.
        """
        number = self.ask("hello", {"protocol": 1})
        answer = self.receive(number)
        if not isinstance(answer, Answer):
            raise self.fault(f"did not answer hello, but said {quoted(self.last)}")
        try:
            hello = hello_of(answer)
        except ProtocolError as error:
            raise self.fault(f"sent an invalid hello: {error}, in the line {quoted(self.last)}") from error
        self._greeted = True
        return hello

    def begin_schedule(self, schedule: object, transcript: str, fields: dict[str, Any]) -> None:
        """Tell the adapter that a schedule begins, and wait for its answer.

        Args:
            schedule: process-scoped state of the schedule.
            transcript: path.
            fields: of the request.

        Raises:
            AdapterError: it does not answer by ok.
        """
        self.schedule = schedule
        self._directory = os.path.dirname(transcript)
        self._truncate_stderr()
        self._begins = True
        number = self.ask("begin_schedule", {"transcript": transcript, **fields})
        answer = self.receive(number)
        if not isinstance(answer, Answer) or answer.kind != "ok":
            raise self.fault("did not answer begin_schedule by ok")
        self._begins = False
        self._schedules += 1

    # Lines

    def ask(self, do: str, fields: dict[str, Any]) -> int:
        """Send a new request and return its number."""
        self._number += 1
        self.send_message(self._number, do, fields)
        return self._number

    def send_message(self, number: int, do: str, fields: dict[str, Any]) -> None:
        """Send a line.

        Raises:
            AdapterError: it could not be sent, or the adapter sent a line without a request.
        """
        if self._received:
            raise self.fault("said more than it was asked for")
        hooks = self._hooks
        self.send(encode(number, do, hooks.now_ns(), fields, hooks.date_ahead_ns()))

    def send(self, line: bytes) -> None:
        """Send a line as it is."""
        self._note(f"-> {quoted(line)}")
        limit, left = self._limit(), memoryview(line)
        while left:
            try:
                left = left[self._to.send(left) :]
            except TimeoutError as error:
                if limit.over():
                    raise self.fault(f"has read nothing for {limit.spent}") from error
            except OSError as error:
                raise self._ended() from error

    def receive(self, number: int) -> Answer | Sleep | Waits | Doubt:
        """Wait for the adapter's line about a request.

        Raises:
            AdapterError: no line came, or the line does not follow the protocol.
        """
        line = self.line()
        try:
            return parse(line, number)
        except ProtocolError as error:
            raise self.fault(f"sent an invalid line: {error}, in the line {quoted(line)}") from error

    def line(self) -> bytes:
        """Wait for the adapter's next line.

        Raises:
            AdapterError: no line came in time, the adapter ended, or the line is too long.
        """
        buffer, limit = self._received, self._limit()
        looked = 0
        while (end := buffer.find(b"\n", looked)) < 0:
            looked = len(buffer)
            if looked > LINE_BYTES_MAX:
                raise self.fault(
                    f"said a line of more than {LINE_BYTES_MAX} bytes: {quoted(bytes(buffer[:1000]))}"
                )
            try:
                data = self._from.recv(_CHUNK)
            except TimeoutError as error:
                if limit.over():
                    raise self.fault(f"said nothing for {limit.spent}") from error
                continue
            except OSError:
                data = b""
            if not data:
                raise self._ended()
            buffer += data
        line = self.last = bytes(buffer[: end + 1])
        del buffer[: end + 1]
        self._note(f"<- {quoted(line)}")
        return line

    def _limit(self) -> TimeLimit:
        """Return a limit of the time for one line; it is asked only where the host has one."""
        idle_s = self._hooks.patience_s or math.inf
        computing_s = idle_s if self._greeted else max(idle_s, _HELLO_COMPUTING_S)
        return TimeLimit(idle_s, lambda: with_descendants(self.pid), computing_s)

    def _note(self, line: str) -> None:
        self._lines.append(line)
        self._hooks.note_line(line)

    # Ends

    def _ended(self) -> AdapterError:
        status = self._status(_CLOSING_S)
        if status is None:
            return self.fault("closed its standard output")
        self.was_killed = status == -signal.SIGKILL
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        how += _TOO_LARGE if status == -signal.SIGXFSZ else ""
        rest = f" after saying {quoted(bytes(self._received))}" if self._received else ""
        # One that could write no further line of standard error had met a limit of ours.
        full = os.fstat(self._stderr).st_size >= _FILE_BYTES_MAX
        if self._greeted and not full:
            self._crashed(how + rest, status)
        return self.fault(how + rest)

    def _crashed(self, how: str, status: int) -> None:
        """Report that the program ended by itself, with what it said of that in this schedule."""
        first = _first_error(self._stderr, self._stderr_from)
        tail = tail_of(self._stderr, self._stderr_from, whole_lines=True)
        tail = self._without_places(f"{first} | ... | {tail}" if first else tail)
        said = f"; standard error: {tail}" if tail else ""
        # One that is met dead by the first request of a later schedule may have ended in the one before.
        self._hooks.crashed(f"the adapter {how}{said}", status, late=self._begins and self._schedules > 0)

    def _without_places(self, text: str) -> str:
        """Return a text without what differs from run to run: the session's folder and the process id."""
        if self._directory:
            text = text.replace(self._directory + "/", "").replace(self._directory, ".")
        return re.sub(rf"\b{self.pid}\b", "PID", text)

    def fault(self, why: str) -> AdapterError:
        """End the adapter; return an error with a reason, the last lines and the tail of standard error."""
        lines = "; ".join(self._lines)
        tail = tail_of(self._stderr)
        message = f"the adapter {why}"
        message += f"; last lines: {lines}" if lines else ""
        message += f"; standard error: {tail}" if tail else ""
        self._hooks.give_up(message)
        self.end()
        return AdapterError(message)

    def _truncate_stderr(self) -> None:
        """Truncate standard error, so that it does not grow over many schedules; note where it stands."""
        self._stderr_from = os.fstat(self._stderr).st_size
        if self._stderr_from > _STDERR_KEPT:
            os.ftruncate(self._stderr, 0)
            os.lseek(self._stderr, 0, os.SEEK_SET)
            self._stderr_from = 0

    @property
    def ended(self) -> bool:
        """Return whether this object has ended the adapter, on request or after a fault."""
        return self._stderr < 0

    def leave(self, patience_s: float) -> int | None:
        """Close standard input and wait; return the exit status, or None if the adapter does not end."""
        self._to.close()
        return self._status(patience_s)

    def end(self) -> None:
        """Kill the adapter with its whole process group, and reap it."""
        if self.ended:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._status(_REAP_S)
        self._close()

    def _status(self, patience_s: float) -> int | None:
        """Wait for the end in real time, regardless of the clock; return the status, or None."""
        if self._process.returncode is not None:
            return self._process.returncode
        ended = select.poll()
        pidfd = os.pidfd_open(self.pid)
        try:
            ended.register(pidfd, select.POLLIN)
            ended.poll(patience_s * 1000)
            return self._process.poll()
        finally:
            os.close(pidfd)

    def _close(self) -> None:
        self._to.close()
        self._from.close()
        os.close(self._stderr)
        self._stderr = -1


def tail_of(stderr: int, since: int = 0, *, whole_lines: bool = False) -> str:
    """Return the end of a standard error as one printable line.

    Args:
        stderr: descriptor of the file.
        since: place from which on it counts.
        whole_lines: leave out the first line where it is not there from its begin, unless it is the only one.
    """
    try:
        size = os.fstat(stderr).st_size
        begin = max(since, size - _TAIL_BYTES)
        data = os.pread(stderr, _TAIL_BYTES, begin)
        if whole_lines and begin > since:
            data = data.partition(b"\n")[2] or data
    except OSError:
        return ""
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return " | ".join("".join(char for char in line if char.isprintable()) for line in lines)


def _first_error(stderr: int, since: int) -> str:
    """Return the first line that names an error, if `tail_of` leaves it out; empty for none.

    Runtimes name the error first: a stack of all threads follows, which may be longer than what is shown.
    """
    try:
        before = os.fstat(stderr).st_size - _TAIL_BYTES - since
        data = os.pread(stderr, min(before, _LOOKED_AT), since) if before > 0 else b""
    except OSError:
        return ""
    lines = data.decode("utf-8", "replace").splitlines()[:-1]
    found = next((line for line in lines if _ERROR.search(line)), "")
    return "".join(char for char in found if char.isprintable())[:_LINE_MAX].strip()


def _bounded() -> None:
    """Tie the child to its parent and limit the size of its files, before it executes the adapter."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    most = _FILE_BYTES_MAX if most == resource.RLIM_INFINITY else min(most, _FILE_BYTES_MAX)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
