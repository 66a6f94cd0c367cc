"""Become an ordinary user, also where root runs the tests.

Root's interpreter may lie in a folder that is closed to others. It stays in reach by mounts that the
process alone has.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import stat
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.system import capabilities, own_ids, user_namespace

__all__ = [
    "USER",
    "become",
    "become_one_with_a_masked_proc",
    "become_one_with_a_read_only_proc",
    "become_one_without_namespaces",
    "folder",
    "has_own_ids",
    "told_by",
]

#: No user of a machine has this number.
USER = 54321 if os.geteuid() == 0 else os.geteuid()

_MS_RDONLY, _MS_REMOUNT = 1, 32
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 4096, 16384, 1 << 18
_PR_SET_DUMPABLE = 4
_NEEDED = {Path(__file__).parents[1], *map(Path, (sys.prefix, sys.base_prefix))}
_libc = ctypes.CDLL(None, use_errno=True)


def become() -> None:
    """Have the calling process be an ordinary user's; it has one thread."""
    if os.geteuid() == 0:
        _keep_in_reach()
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
        # Otherwise its files in /proc are root's.
        _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def become_one_without_namespaces() -> None:
    """Have the calling process be an ordinary user's that may have no user namespace."""
    with _in_a_container():
        # The limit is that of the namespace, which is the machine for all that is in it.
        Path("/proc/sys/user/max_user_namespaces").write_text("0")


def become_one_with_a_masked_proc() -> None:
    """Have the calling process be an ordinary user's where a file of /proc is hidden, as containers do."""
    with _in_a_container():
        _own_mounts()
        # One that hides nothing would do, wherever it is mounted.
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, point, kind, *_ = line.split()
            if kind == "proc":
                assert _libc.mount(b"/dev/null", f"{point}/version".encode(), None, _MS_BIND, None) == 0


def become_one_with_a_read_only_proc() -> None:
    """Have the calling process be an ordinary user's that can map no user in a user namespace."""
    with _in_a_container():
        _own_mounts()
        assert _libc.mount(b"none", b"/proc", None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY, None) == 0


@contextlib.contextmanager
def _in_a_container() -> Iterator[None]:
    """Let the block lay out the machine that the process is an ordinary user of afterwards."""
    become()
    user_namespace.enter()
    yield
    capabilities.drop(all_of_them=True)
    user_namespace._entered = False


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder of the user's."""
    with tempfile.TemporaryDirectory(prefix="takeover-harness-test-") as name:
        os.chown(name, USER, USER if os.geteuid() == 0 else -1)
        yield Path(name).resolve()


def told_by(become: Callable[[], None], work: Callable[[], Any]) -> Any:
    """Return the result of some work, by way of JSON, from an ordinary user's child with one thread."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            become()
            os.write(writing, json.dumps([work(), ""]).encode())
        except BaseException:
            os.write(writing, json.dumps([None, traceback.format_exc()]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        found, error = json.loads(file.read())
    os.waitpid(child, 0)
    assert not error
    return found


@functools.cache
def has_own_ids() -> bool:
    """Whether this machine gives an ordinary user process ids of a session's own."""
    with folder() as directory:
        command = [sys.executable, "-I", "-S", own_ids.__file__, str(directory)]
        # No threads here that a call before exec could meet.
        done = subprocess.run(command, capture_output=True, timeout=600, check=False, preexec_fn=become)
    return done.stdout == b"\n\n"


def _own_mounts() -> None:
    assert _libc.unshare(_CLONE_NEWNS) == 0
    assert _libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0


def _keep_in_reach() -> None:
    closed: dict[Path, list[Path]] = {}
    for path in sorted(_NEEDED):
        for above in reversed(path.parents):
            if not above.stat().st_mode & stat.S_IXOTH:
                closed.setdefault(above, []).append(path)
                break
    if not closed:
        return
    _own_mounts()
    for above, needed in closed.items():
        behind = [os.open(path, os.O_PATH) for path in needed]
        assert _libc.mount(b"none", bytes(above), b"tmpfs", 0, b"mode=755") == 0
        for path, fd in zip(needed, behind, strict=True):
            path.mkdir(parents=True, exist_ok=True)
            assert _libc.mount(b"/proc/self/fd/%d" % fd, bytes(path), None, _MS_BIND, None) == 0
            os.close(fd)
