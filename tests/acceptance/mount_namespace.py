"""A mount namespace of a test's own, in which commands can be started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Namespace", "mount_namespace"]

#: A namespace without privileges where we have none; its first process holds it open.
_UNSHARE = ("unshare", "-m" if os.geteuid() == 0 else "-Urm", "--propagation", "private")
_HOLD = " && echo mounted && exec cat"
_ENTER = """\
import ctypes, os, sys
pid, *command = sys.argv[1:]
spaces = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in ("user", "mnt")]
libc = ctypes.CDLL(None, use_errno=True)
here = os.getcwd()
if os.path.samestat(os.fstat(spaces[0]), os.stat("/proc/self/ns/user")):
    del spaces[0]
for space in spaces:
    if libc.setns(space, 0):
        sys.exit(os.strerror(ctypes.get_errno()))
os.chdir(here)
os.execv(command[0], command)
"""


class Namespace(NamedTuple):
    """A mount namespace.

    Args:
        holder: process id of a process inside.
    """

    holder: int

    @property
    def within(self) -> tuple[str, ...]:
        """A command that runs its arguments inside."""
        return sys.executable, "-c", _ENTER, str(self.holder)

    def outside(self, path: Path) -> Path:
        """Where a file inside is seen from outside."""
        return Path(f"/proc/{self.holder}/root{path}")


@contextlib.contextmanager
def mount_namespace(mount: str, *arguments: str) -> Iterator[Namespace]:
    """Make a mount namespace that lasts as long as the context.

    Args:
        mount: shell commands that mount what is wanted in it.
        arguments: of these.
    """
    holder = subprocess.Popen(
        [*_UNSHARE, "sh", "-c", mount + _HOLD, "sh", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mounted\n"
        yield Namespace(holder.pid)
        assert holder.stdin is not None
        holder.stdin.close()
