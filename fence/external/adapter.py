"""One adapter process: started, spoken with line by line, ended.

It is spoken with over sockets, which costs a process under a kernel gate no trap on our
side, and its standard error is a file in memory, which nobody has to empty.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
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
from fence.external.wire import Answer, Doubt, Hello, Nonsense, Sleep, Waits, encode, hello_of, parse, said

__all__ = ["LINE_BYTES_MAX", "STDERR", "Adapter", "tail_of"]

LINE_BYTES_MAX = 32 << 20
#: Name of the file in memory that is an adapter's standard error.
STDERR = "fence-stderr"

_CHUNK = 1 << 16
_STDERR_KEPT = 1 << 20
_TAIL_BYTES = 600
_LINES_KEPT = 6
_REAP_S = 5.0
#: Standard output closes a little before a process is gone.
_CLOSING_S = 1.0
_FILE_BYTES_MAX = 8 << 20
_PR_SET_PDEATHSIG = 1
#: Looked up before any fork.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_ENVIRONMENT = {"UV_THREADPOOL_SIZE": "1", "HARNESS_FENCE": "1"}


class Adapter:
    """The near end of one adapter.

    Args:
        argv: program and arguments.
        directory: where it runs.
        surroundings: what is to know of it.

    Raises:
        AdapterError: it cannot be started.
    """

    def __init__(self, argv: Sequence[str], directory: str, surroundings: HostHooks) -> None:
        self._surroundings = surroundings
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._received = bytearray()
        self._number = 0
        #: The line that it said last.
        self.last = b""
        #: The process-scoped state of the schedule that it was told to begin.
        self.schedule: object = None
        self._stderr = os.memfd_create(STDERR)
        self._to, far_in = socket.socketpair()
        self._from, far_out = socket.socketpair()
        for one in (self._to, self._from):
            one.settimeout(surroundings.patience_s)
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
            surroundings.give_up(f"the adapter {why}")
            raise AdapterError(why) from error

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def fileno(self) -> int:
        """Descriptor that is readable when it says something."""
        return self._from.fileno()

    def greet(self) -> Hello:
        """Ask who it is.

        Raises:
            AdapterError: it does not say that.
        """
        number = self.ask("hello", {"protocol": 1})
        answer = self.hear(number)
        if not isinstance(answer, Answer):
            raise self.fault(f"did not answer hello, but said {said(self.last)}")
        try:
            return hello_of(answer)
        except Nonsense as error:
            raise self.fault(f"answered hello by nonsense: {error}, in the line {said(self.last)}") from error

    # Lines

    def ask(self, do: str, fields: dict[str, Any]) -> int:
        """Send a new request; returns its number."""
        self._number += 1
        self.tell(self._number, do, fields)
        return self._number

    def tell(self, number: int, do: str, fields: dict[str, Any]) -> None:
        """Send a line.

        Raises:
            AdapterError: it could not be sent, or something had been said that nobody asked for.
        """
        if self._received:
            raise self.fault("said more than it was asked for")
        self.send(encode(number, do, self._surroundings.now_ns(), fields))

    def send(self, line: bytes) -> None:
        """Send a line as it is."""
        self._note(f"-> {said(line)}")
        try:
            self._to.sendall(line)
        except TimeoutError as error:
            raise self.fault("does not read what it is sent") from error
        except OSError as error:
            raise self._ended() from error

    def hear(self, number: int) -> Answer | Sleep | Waits | Doubt:
        """Wait for what it says about a request.

        Raises:
            AdapterError: nothing, or nonsense.
        """
        line = self.line()
        try:
            return parse(line, number)
        except Nonsense as error:
            raise self.fault(f"said nonsense: {error}, in the line {said(line)}") from error

    def line(self) -> bytes:
        """Wait for its next line.

        Raises:
            AdapterError: none came in time, or ever will; or it has no end.
        """
        buffer = self._received
        looked = 0
        while (end := buffer.find(b"\n", looked)) < 0:
            looked = len(buffer)
            if looked > LINE_BYTES_MAX:
                raise self.fault(
                    f"said a line of more than {LINE_BYTES_MAX} bytes: {said(bytes(buffer[:1000]))}"
                )
            try:
                data = self._from.recv(_CHUNK)
            except TimeoutError as error:
                raise self.fault(f"said nothing for {self._surroundings.patience_s:g} s") from error
            except OSError:
                data = b""
            if not data:
                raise self._ended()
            buffer += data
        line = self.last = bytes(buffer[: end + 1])
        del buffer[: end + 1]
        self._note(f"<- {said(line)}")
        return line

    def _note(self, line: str) -> None:
        self._lines.append(line)
        self._surroundings.heard(line)

    # Ends

    def _ended(self) -> AdapterError:
        status = self._status(_CLOSING_S)
        if status is None:
            return self.fault("closed its standard output")
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        rest = f" after saying {said(bytes(self._received))}" if self._received else ""
        return self.fault(how + rest)

    def fault(self, why: str) -> AdapterError:
        """What went wrong, with the last lines and the tail of its standard error; it is ended."""
        lines = "; ".join(self._lines)
        tail = tail_of(self._stderr)
        message = f"the adapter {why}"
        message += f"; last lines: {lines}" if lines else ""
        message += f"; standard error: {tail}" if tail else ""
        self._surroundings.give_up(message)
        self.end()
        return AdapterError(message)

    def forget(self) -> None:
        """Keep standard error from growing over many schedules."""
        if os.fstat(self._stderr).st_size > _STDERR_KEPT:
            os.ftruncate(self._stderr, 0)
            os.lseek(self._stderr, 0, os.SEEK_SET)

    @property
    def ended(self) -> bool:
        """Whether it was ended by us or by a fault."""
        return self._stderr < 0

    def leave(self, patience_s: float) -> int | None:
        """Close its standard input and wait; its status, or None when it stays."""
        self._to.close()
        return self._status(patience_s)

    def end(self) -> None:
        """Kill it with all that is left in its group, and reap it."""
        if self.ended:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._status(_REAP_S)
        self._close()

    def _status(self, patience_s: float) -> int | None:
        """Wait for its end in real time, whatever the clock says; its status, or None when it stays."""
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


def tail_of(stderr: int) -> str:
    """The last of what is in a standard error, as one printable line.

    Args:
        stderr: descriptor of the file.
    """
    try:
        size = os.fstat(stderr).st_size
        data = os.pread(stderr, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    except OSError:
        return ""
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return " | ".join("".join(char for char in line if char.isprintable()) for line in lines)


def _bounded() -> None:
    """In the child, before it becomes the adapter: it dies with us, and what it writes has an end."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    most = _FILE_BYTES_MAX if most == resource.RLIM_INFINITY else min(most, _FILE_BYTES_MAX)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
