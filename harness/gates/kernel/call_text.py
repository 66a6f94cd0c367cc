"""A call as strace writes it: name, arguments, result.

The kernel runs most calls itself and does not tell the supervisor what they return. The result is inferred
from what can be seen before and after: open descriptors, offsets, names in the session directory. Where that
does not suffice it is ``?``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

from harness.gates.kernel.lane import Lane
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Status

__all__ = ["CallText"]

_SHOWN_BYTES = 32
_NAMES = ("O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND", "O_NONBLOCK", "O_SYNC", "O_DIRECTORY", "O_CLOEXEC")
_FLAGS = {name: getattr(os, name) for name in _NAMES}
_MODES = ("O_RDONLY", "O_WRONLY", "O_RDWR", "3")
_LOCKS = ((fcntl.LOCK_SH, "LOCK_SH"), (fcntl.LOCK_EX, "LOCK_EX"), (fcntl.LOCK_UN, "LOCK_UN"))
_NON_BLOCKING = (fcntl.LOCK_NB, "LOCK_NB")
_OFFSETS = frozenset({"read", "readv", "write", "writev"})
_SIZES = frozenset({"pread64", "pwrite64"})
_ANSWERED = frozenset({"fstat", "close", "fsync", "fdatasync", "ftruncate", "fchmod", "fchown"})
_ASKS_MODE = frozenset({"access", "faccessat", "faccessat2"})
_COUNTED = frozenset({"read", "write", "pread64", "pwrite64"})


class CallText:
    """One call of a lane, looked at before it runs and after.

    Args:
        directory: the session directory.
        lane: stands before the call.
        alias: of the file that the call is about.
    """

    def __init__(self, directory: str, lane: Lane, alias: str) -> None:
        self._directory = directory
        self._pending = pending = lane.pending
        self._alias = alias
        self._appends = False
        self._is_call = lane.status is Status.FILE
        self._pid = pending.process.pid if self._is_call else 0
        if not self._is_call:
            return
        self._text = self._call()
        self._descriptors = self._open() if pending.call.kind == "open" else {}
        self._offset = self._position()
        if "write" in pending.call.name and self._appends:
            with contextlib.suppress(OSError):
                self._offset = os.stat(f"/proc/{self._pid}/fd/{signed(pending.args[0])}").st_size
        self._there = self._exist()

    def finished(self, name: str, note: str, fault: str) -> str:
        """Return the call with its result, now that the step is over.

        Args:
            name: of the step.
            note: what the history says of it.
            fault: that struck it; empty for none.
        """
        if not self._is_call:
            return f"{name}({note})"
        if fault and fault.isupper():
            return f"{self._text} = -1 {fault} (made to fail)"
        result = self._result()
        return f"{self._text} = {result}{f' ({fault}: {note})' if fault else ''}"

    def _call(self) -> str:
        pending = self._pending
        call, args = pending.call, pending.args
        first, _, second = self._alias.partition(" > ")
        if call.fd >= 0:
            words = [f"{signed(args[call.fd])}<{first}>", *self._more(pending)]
        elif call.path2 >= 0 or second:
            words = [f'"{first}"', f'"{second}"']
        else:
            words = [f'"{first}"', *self._more(pending)]
        return f"{call.name}({', '.join(words)})"

    def _more(self, pending: PendingSyscall) -> list[str]:
        """Return the arguments behind the file."""
        name, args = pending.call.name, pending.args
        if pending.call.kind == "open":
            mode = [f"0{args[pending.call.flags + 1] & 0o7777:o}"] if pending.flags & os.O_CREAT else []
            return [_flags(pending.flags), *mode] if name != "openat2" else [_flags(pending.flags)]
        if name in _COUNTED:
            return [self._data(args[1], args[2]) if "write" in name else "...", str(args[2])]
        if name == "lseek":
            return [str(_signed64(args[1])), ("SEEK_SET", "SEEK_CUR", "SEEK_END", "?")[min(args[2], 3)]]
        if name == "ftruncate":
            return [str(args[1])]
        if name == "flock":
            return ["|".join(word for bit, word in (*_LOCKS, _NON_BLOCKING) if args[1] & bit)]
        return []

    def _data(self, address: int, length: int) -> str:
        with contextlib.suppress(OSError):
            data = self._pending.process.memory.read(address, min(length, _SHOWN_BYTES))
            more = "..." if length > len(data) else ""
            return f'"{data.decode("latin-1").encode("unicode_escape").decode()}"{more}'
        return "?"

    # Looks

    def _open(self) -> dict[int, str]:
        found = {}
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{self._pid}/fd"):
                with contextlib.suppress(OSError):
                    found[int(name)] = os.readlink(f"/proc/{self._pid}/fd/{name}")
        return found

    def _position(self) -> int:
        """Return the offset of the call's descriptor; -1 where there is none."""
        call = self._pending.call
        if call.fd < 0:
            return -1
        fd = signed(self._pending.args[call.fd])
        with (
            contextlib.suppress(OSError, ValueError, IndexError),
            open(f"/proc/{self._pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as info,
        ):
            position = int(info.readline().split()[1])
            self._appends = bool(int(info.readline().split()[1], 8) & os.O_APPEND)
            return position
        return -1

    def _exist(self) -> tuple[bool, ...]:
        """Return whether the names of the call are there."""
        names = (self._pending.name, self._pending.name2)
        return tuple(os.path.lexists(os.path.join(self._directory, one)) for one in names if one is not None)

    def _result(self) -> str:
        call = self._pending.call
        if call.kind == "open":
            return self._opened()
        if call.name in _OFFSETS:
            now = self._position()
            return str(now - self._offset) if 0 <= self._offset <= now else "?"
        if call.name == "lseek":
            return str(self._position())
        if call.name in _ANSWERED:
            return "0"
        if call.kind in ("stat", "meta") or call.name in _ASKS_MODE:
            if not all(self._there):
                return _error(errno.ENOENT)
            # Whether the file may be read, written or executed is not looked at.
            asked = self._pending.args[call.path + 1] if call.name in _ASKS_MODE else os.F_OK
            return "0" if asked == os.F_OK else "?"
        if call.kind == "names":
            return self._renamed()
        return "?"

    def _opened(self) -> str:
        before, now = self._descriptors, self._open()
        new = [fd for fd, target in now.items() if before.get(fd) != target]
        own = [fd for fd in new if now[fd].startswith(self._directory)]
        if own:
            return str(own[0])
        there, flags = all(self._there), self._pending.flags
        if there and flags & os.O_CREAT and flags & os.O_EXCL:
            return _error(errno.EEXIST)
        return _error(errno.ENOENT) if not there and not flags & os.O_CREAT else "?"

    def _renamed(self) -> str:
        name, now = self._pending.call.name, self._exist()
        if now != self._there:
            return "0"
        if name.startswith(("unlink", "rmdir", "rename")):
            return _error(errno.ENOENT) if self._there and not self._there[0] else "?"
        if name.startswith(("mkdir", "symlink", "link", "mknod")):
            return _error(errno.EEXIST) if self._there and self._there[-1] else "?"
        return "?"


def _signed64(value: int) -> int:
    """Return an argument as the signed number that it is."""
    return value - (1 << 64) if value >> 63 else value


def _flags(flags: int) -> str:
    return "|".join([_MODES[flags & 3], *(name for name, bit in _FLAGS.items() if flags & bit == bit)])


def _error(code: int) -> str:
    return f"-1 {errno.errorcode[code]} ({os.strerror(code)})"
