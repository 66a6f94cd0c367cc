"""Serve lock libraries of the Python index as the adapter of docs/external-fence.md.

    python -I -B serve.py DESCRIPTION FILES LIBRARY VERSION VARIANT [MODULE]

The description is a file that knows the library, see `fence.targets.locks.python_library`.

There is one adapter for each lane: it handles one request at a time, and sleeps by asking the harness.
It imports nothing of this repository, so that the library finds only the modules of the interpreter and
its own. There is no fence above the lock: lines are appended plainly while the lock is held.

Options: ``lock_timeout_ms``; and ``lock_dies_with``, the name of a lane that dies as soon as it has the
lock. The process lives on, but the lane's descriptors are closed, and the lock file names a process that
does not exist.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import errno
import fcntl
import importlib
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

__all__ = ["Adapter", "Connection", "GivenUp", "Handle", "NotHeld", "abandon"]

_Line = dict[str, Any]
_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


# The names of these classes are part of the messages, which histories contain.


class GivenUp(Exception):
    """The library could not get the lock in time, as its result says."""


class NotHeld(Exception):
    """The handle does not hold the lock that it should release."""


class Connection:
    """Lines to and from the harness, and its clock: between two lines time does not pass."""

    def __init__(self) -> None:
        self.now_ms = self.ahead_ms = 0.0
        self.request = -1

    def receive(self) -> _Line | None:
        """Return the next line; None at the end of the input."""
        text = sys.stdin.buffer.readline()
        if not text:
            return None
        line: _Line = json.loads(text)
        self.now_ms = line["now_ms"]
        self.ahead_ms = line.get("date_ahead_ms", 0.0)
        return line

    def send(self, **fields: object) -> None:
        """Send a line about the running request."""
        sys.stdout.buffer.write(json.dumps({"id": self.request, **fields}).encode() + b"\n")
        sys.stdout.buffer.flush()

    def sleep(self, duration_s: float) -> None:
        """Sleep in virtual time, in place of `time.sleep`."""
        if duration_s < 0:
            raise ValueError("sleep length must be non-negative")
        self.send(sleep_ms=duration_s * 1000)
        if self.receive() is None:
            os._exit(0)

    def replace_clocks(self) -> None:
        """Install virtual time for every module that is imported later."""
        module: Any = time
        module.sleep = self.sleep
        module.time = lambda: (self.now_ms + self.ahead_ms) / 1000
        module.time_ns = lambda: round((self.now_ms + self.ahead_ms) * 1_000_000)
        for name in ("monotonic", "perf_counter"):
            setattr(module, name, lambda: self.now_ms / 1000)
            setattr(module, f"{name}_ns", lambda: round(self.now_ms * 1_000_000))
        datetimes: Any = datetime
        datetimes.datetime = _VirtualDatetime


class _VirtualDatetime(datetime.datetime):
    """A `datetime.datetime` whose ``now`` follows `Connection`; the original reads the clock in C."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.now(datetime.UTC).replace(tzinfo=None)


class Handle:
    """One handle of the lane.

    Args:
        transcript: path of the transcript.
        make: makes the library's lock. Its ``acquire()`` raises, or returns False, where it gives up.
        dies: whether the lane dies as soon as it has the lock.
    """

    def __init__(self, transcript: str, make: Callable[[], Any], dies: bool) -> None:
        self.path = transcript
        self.dies = dies
        self.held = False
        with self._with_unused_pid():
            self.lock = make()

    @contextlib.contextmanager
    def _with_unused_pid(self) -> Iterator[None]:
        """Let os.getpid return the id of a missing process, if the lane is to die."""
        if self.dies:
            os.getpid = _unused_pid
        try:
            yield
        finally:
            os.getpid = _own_pid

    def acquire(self) -> None:
        with self._with_unused_pid():
            if self.lock.acquire() is False:
                raise GivenUp("acquire returned False")
        if self.dies:
            abandon(self.lock)
            return
        self.held = True

    def release(self) -> None:
        if self.dies:
            return  # the dead let nothing go
        if not self.held:
            raise NotHeld("is not held by this handle")
        self.held = False
        self.lock.release()

    def end(self) -> None:
        if self.held:
            self.release()

    def load(self) -> bytes:
        try:
            with open(self.path, "rb", buffering=0) as file:
                return file.readall()
        except FileNotFoundError:
            return b""

    def append(self, lines: list[bytes]) -> None:
        fd = os.open(self.path, _APPENDING, 0o600)
        try:
            os.write(fd, b"".join(lines))
        finally:
            os.close(fd)

    def guarded(self, lines: list[bytes]) -> None:
        self.acquire()
        try:
            self.append(lines)
        finally:
            self.release()


_own_pid = os.getpid
_pid_max = Path("/proc/sys/kernel/pid_max")
_pid_limit = int(_pid_max.read_text(encoding="ascii")) if _pid_max.exists() else 1 << 22
_abandoned: list[Any] = []
_open_before: set[int] = set()


def _unused_pid() -> int:
    """Return a process id that no process can have."""
    return _pid_limit


def _open_now() -> set[int]:
    return {fd for fd in map(int, os.listdir("/proc/self/fd")) if _is_open(fd)}


def _is_open(fd: int) -> bool:
    """Return whether a descriptor is still open: the one that listed them is not."""
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


class _AbandonedLock:
    """The class that an abandoned lock gets, so that its finalizer does not release it."""


def abandon(lock: Any) -> None:
    """Do what the kernel does at the end of a process: close its descriptors, and nothing else."""
    # The attributes are kept: a file object among them would later close a reused descriptor.
    _abandoned.append(dict(vars(lock)))
    try:
        lock.__class__ = _AbandonedLock
    except TypeError:
        # Its objects have another layout.
        _abandoned.append(lock)
    for fd in _open_now() - _open_before:
        os.close(fd)


class Adapter:
    """Answers requests, one after the other."""

    def __init__(
        self,
        connection: Connection,
        description: str,
        files: str,
        library: str,
        version: str,
        variant: str,
        module: str = "",
    ) -> None:
        self._connection = connection
        self._description = _imported(description)
        self._imports, self._variant = module or library, variant
        self._name = f"{library} {version} {variant}".rstrip()
        sys.path.insert(0, files)
        _keep_code()
        self._module = importlib.import_module(self._imports)
        where = os.path.realpath(self._module.__file__ or "")
        if not where.startswith(os.path.realpath(files) + os.sep):
            raise SystemExit(f"{library} was found in {where}, expected it below {files}")
        self._handles: dict[int, Handle] = {}
        self._transcript = ""
        self._options: _Line = {}
        self._given_up: type[Exception] | tuple[()] = ()
        self._lost: type[Exception] | tuple[()] = ()

    def serve(self) -> None:
        """Answer requests until standard input ends."""
        while (line := self._connection.receive()) is not None:
            self._connection.request = line["id"]
            self._connection.send(**self._answer(line))
        # No clean-up: the locks must stay as they are.
        os._exit(0)

    def _answer(self, line: _Line) -> _Line:
        try:
            return {"answer": "ok", **(self._result(line) or {})}
        except NotImplementedError:
            return {"answer": "unsupported"}
        except _exceptions(GivenUp, self._given_up) as error:
            return {"answer": "lock_timeout", "message": self._stable_message(error)}
        except _exceptions(NotHeld, self._lost) as error:
            return {"answer": "stale_lock", "message": self._stable_message(error)}
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "EIO")
            return {"answer": "error", "code": code, "message": self._stable_message(error)}
        except Exception as error:  # a library may raise anything
            return {"answer": "error", "message": self._stable_message(error)}

    def _stable_message(self, error: Exception) -> str:
        """Return a message without the parts that differ between runs."""
        text = f"{type(error).__name__}: {error}".replace(self._transcript or "\0", "T")
        return re.sub(r"\d{3,}", "...", text)

    def _result(self, line: _Line) -> _Line | None:
        do = line["do"]
        if do == "hello":
            kind = self._description.KINDS[self._variant]
            return {"protocol": 1, "name": self._name, "lock": kind, "serves": "lane", "operations": []}
        if do == "begin_schedule":
            self._forget()
            # Its state would outlive the schedule, and a replay would draw other numbers.
            random.seed(f"{line['now_ms']} {line['lanes']}")
            self._transcript, self._options = line["transcript"], line["options"]
            return None
        handle = self._handle(line)
        if do == "load":
            return {"base64": base64.b64encode(handle.load()).decode()}
        if do == "append":
            handle.append(_entries(line))
        elif do == "guarded_write":
            handle.guarded(_entries(line))
        elif do in ("begin_turn", "acquire"):
            handle.acquire()
        elif do in ("release_for_prompt", "release"):
            handle.release()
        elif do == "end_turn":
            handle.end()
        else:
            raise NotImplementedError
        return None

    def _forget(self) -> None:
        held = [handle for handle in self._handles.values() if handle.held]
        for handle in held:
            abandon(handle.lock)
        self._handles.clear()
        if held:
            # The library may have recorded in its modules which locks are held.
            name = self._imports.partition(".")[0]
            for one in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
                del sys.modules[one]
            self._module = importlib.import_module(self._imports)
        _open_before.clear()
        _open_before.update(_open_now())

    def _handle(self, line: _Line) -> Handle:
        number = line["handle"]
        if number not in self._handles:
            timeout_ms = self._options.get("lock_timeout_ms", -1)
            timeout_s = timeout_ms / 1000 if timeout_ms >= 0 else -1
            make = self._description.make_lock

            def made() -> Any:
                made = make(self._module, self._variant, self._transcript, timeout_s)
                lock, self._given_up, self._lost = (*made, ())[:3]
                return lock

            dies = self._options.get("lock_dies_with") == line["lane"]
            self._handles[number] = Handle(self._transcript, made, dies)
        return self._handles[number]


def _exceptions(*classes: Any) -> tuple[Any, ...]:
    """Return exceptions for an ``except``, without those that there are not."""
    return tuple(one for one in classes if one)


def _imported(path: str) -> Any:
    """Return the module of a file, under a name that no library has."""
    loader = importlib.machinery.SourceFileLoader("_description", path)
    spec = importlib.util.spec_from_file_location("_description", path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _keep_code() -> None:
    """A module that is imported again is not compiled again."""
    loader: Any = importlib.machinery.SourceFileLoader
    compiled, known = loader.source_to_code, {}

    def source_to_code(self: Any, data: Any, path: Any, **options: Any) -> Any:
        if path not in known:
            known[path] = compiled(self, data, path, **options)
        return known[path]

    loader.source_to_code = source_to_code


def _entries(line: _Line) -> list[bytes]:
    if "entries" in line:
        return [entry.encode() for entry in line["entries"]]
    return [base64.b64decode(entry) for entry in line["entries_base64"]]


if __name__ == "__main__":
    _connection = Connection()
    _connection.replace_clocks()
    Adapter(_connection, *sys.argv[1:7]).serve()
