"""Which calls are forbidden outside the session directory, one by one and without a process."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.gates.kernel.confinement import crosses, forbidden_outside, leads_out, makes_device
from harness.gates.kernel.syscall_table import CALLS, Call

# Processes and calls are stand-ins here, which compiled functions refuse.
pytestmark = pytest.mark.requires("modules from source")

#: By an argument that is a path.
PATHS = [
    *("truncate", "chmod", "chown", "lchown", "fchmodat", "fchmodat2", "fchownat"),
    *("setxattr", "lsetxattr", "setxattrat", "removexattr", "lremovexattr", "removexattrat", "file_setattr"),
    *("utime", "utimes", "futimesat", "utimensat"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat"),
    *("mkdir", "mkdirat", "rmdir", "mknod", "mknodat"),
]
#: By a descriptor that need not be open for writing.
DESCRIPTORS = ["fchmod", "fchown", "fsetxattr", "fremovexattr"]
OPENS = ["open", "openat", "openat2", "creat"]
WRITING = [os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_APPEND]
#: FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR.
ATTRIBUTES = [0x40086602, 0x401C5820]


class _Memory:
    """Memory of the caller: the same path wherever one is expected, and an address for a socket."""

    def __init__(self, path: bytes, address: bytes = b"") -> None:
        self._path, self._address = path, address

    def path(self, address: int) -> bytes:
        return self._path

    def read(self, address: int, size: int) -> bytes:
        return self._address[:size]


def forbidden(name: str, flags: int = 0, path: bytes = b"/x", address: bytes = b"", request: int = 0) -> bool:
    (call,) = {call for call in CALLS.values() if call.name == name}
    space: Any = SimpleNamespace(memory=_Memory(path, address), pid=os.getpid(), root="", first_pid=0)
    stand: Any = SimpleNamespace(call=call, args=[0, request, 0, 0, 0, 0], flags=flags)
    return forbidden_outside(space, stand)


def test_exactly_these_calls_are_forbidden_with_any_arguments() -> None:
    apart = {*OPENS, "bind"}
    calls = cast("list[Call]", [call for call in CALLS.values() if call.name not in apart])
    assert {call.name for call in calls if forbidden(call.name)} == {*PATHS, *DESCRIPTORS}


@pytest.mark.parametrize("flags", WRITING)
@pytest.mark.parametrize("name", OPENS)
def test_an_open_is_forbidden_by_each_flag_that_writes(name: str, flags: int) -> None:
    assert forbidden(name, flags)
    assert not forbidden(name, os.O_RDONLY | os.O_CLOEXEC)


def test_devices_that_keep_nothing_may_be_opened_to_write() -> None:
    for device in (b"/dev/null", b"/dev/zero", b"/dev/full", b"/dev/tty"):
        assert not forbidden("openat", os.O_WRONLY, device)
    assert forbidden("openat", os.O_WRONLY, b"/dev/urandom")
    assert forbidden("openat", os.O_WRONLY, b"/dev/ptmx")
    assert forbidden("openat", os.O_WRONLY, b"/dev")
    # An empty path is the kernel's to refuse.
    assert not forbidden("openat", os.O_WRONLY, b"")


def test_a_pipe_without_a_name_may_be_opened_to_write(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        assert not forbidden("openat", os.O_WRONLY, b"/proc/self/fd/%d" % writing)
    finally:
        os.close(reading)
        os.close(writing)
    os.mkfifo(tmp_path / "named")
    assert forbidden("openat", os.O_WRONLY, os.fsencode(tmp_path / "named"))


@pytest.mark.parametrize(
    ("mode", "is_device"),
    [(stat.S_IFCHR, True), (stat.S_IFBLK, True), (stat.S_IFREG, False), (stat.S_IFIFO, False), (0, False)],
)
def test_device_nodes_are_told_from_other_nodes(mode: int, is_device: bool) -> None:
    assert makes_device(pending("mknod", args=[0, mode | 0o600, 0])) == is_device
    assert makes_device(pending("mknodat", args=[0, 0, mode | 0o600, 0])) == is_device
    assert not makes_device(pending("mkdirat", args=[0, 0, mode | 0o600, 0]))


@pytest.mark.parametrize("request_", ATTRIBUTES)
def test_attributes_may_not_be_set_through_a_reading_descriptor(request_: int) -> None:
    assert forbidden("ioctl", request=request_)
    assert not forbidden("ioctl", request=0x5401)


def test_a_socket_may_not_be_bound_to_a_path() -> None:
    assert forbidden("bind", address=b"\x01\x00/")
    assert not forbidden("bind", address=b"\x01\x00\x00")
    assert not forbidden("bind", address=b"\x01\x00\x00a name without a file")
    assert not forbidden("bind", address=b"\x02\x00\x1f")
    assert not forbidden("bind", address=b"\x01\x01/")


def pending(wanted: str, **fields: object) -> Any:
    (call,) = {call for call in CALLS.values() if call.name == wanted}
    return SimpleNamespace(call=call, **fields)


@pytest.mark.parametrize("name", ["rename", "renameat", "renameat2", "link", "linkat"])
@pytest.mark.parametrize(
    ("one", "other", "found"), [("a", "b", False), ("a", None, True), (None, "b", True), (None, None, True)]
)
def test_a_file_may_not_be_carried_across_the_border(
    name: str, one: str | None, other: str | None, found: bool
) -> None:
    assert crosses(pending(name, name=one, name2=other, inode=None)) == found
    assert not crosses(pending("unlink", name=one, name2=None))


@pytest.mark.parametrize(("flags", "found"), [(0x1000, False), (0x400, False), (0, True)])
def test_a_link_may_be_made_of_an_open_file_of_the_session(flags: int, found: bool) -> None:
    args = [3, 0, 0, 0, flags, 0]
    assert crosses(pending("linkat", name=None, name2="b", inode=object(), args=args)) == found
    assert crosses(pending("linkat", name=None, name2=None, inode=object(), args=args))
    assert crosses(pending("linkat", name=None, name2="b", inode=None, args=args))
    assert crosses(pending("renameat2", name=None, name2="b", inode=object(), args=args))


#: Symlinks that lead out of a session directory, and some that stay inside.
LINKS = {
    "out": "/elsewhere/file",
    "up": "../file",
    "in": "other",
    "deep": "sub/file",
    "higher": "sub/../../file",
    "dangling": "none",
}


@pytest.mark.parametrize(
    ("call", "flags", "changes"),
    [
        ("openat", os.O_WRONLY, True),
        ("openat", os.O_RDONLY, False),
        ("truncate", 0, True),
        ("chmod", 0, True),
        ("unlink", 0, False),
        ("rename", 0, False),
        ("newfstatat", 0, False),
        ("readlink", 0, False),
    ],
)
def test_a_change_may_not_follow_a_symlink_out(call: str, flags: int, changes: bool, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, target in LINKS.items():
        (tmp_path / name).symlink_to(target)
    files: Any = SimpleNamespace(symlinks=set(LINKS), directory=os.path.realpath(tmp_path))
    for name in LINKS:
        out = changes and name in ("out", "up", "higher")
        assert leads_out(files, pending(call, name=name, flags=flags)) == out, name
    for name in ("file", "sub/file", None):
        assert not leads_out(files, pending(call, name=name, flags=flags))
