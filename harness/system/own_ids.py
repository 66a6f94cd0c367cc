"""Process ids of a session's own: whether this machine and user can have them, tried and not guessed.

An ordinary user takes them from a user namespace. A refusal half-way there cannot be undone, so
all of it is tried in a child first. Run as a script, it prints why not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import NamedTuple

if __name__ == "__main__":
    # Run as a script: -I leaves the folder of the package out.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from harness.model.errors import GateUnavailable
from harness.system import pid_namespace, read_only_mounts, user_namespace

__all__ = ["Found", "examine", "prepare"]

_LIMIT_S = 60.0


class Found(NamedTuple):
    """Things that a session can have; each is empty where it can, and else says why not and what to do.

    Args:
        ids: process ids of a session's own.
        mounts: mounts that are read-only.
    """

    ids: str
    mounts: str


def prepare(directory: str) -> None:
    """Have this process give sessions ids and mounts of their own, as far as this machine and user can.

    An ordinary user's process enters a user namespace for that, if a child gets mounts there at least.

    Args:
        directory: any that is writable.
    """
    if user_namespace.wanted():
        if _tried(directory).mounts:
            return
        user_namespace.enter()
    pid_namespace.prepare()


def examine(directory: str) -> Found:
    """Return what this machine and user can have, found by a process that has one thread, as explorers have.

    Args:
        directory: any that is writable.
    """
    command = [sys.executable, "-I", "-S", os.path.abspath(__file__), directory]
    done = subprocess.run(
        command, capture_output=True, timeout=_LIMIT_S, check=False, text=True, stdin=subprocess.DEVNULL
    )
    return _found(done.stdout)


def _tried(directory: str) -> Found:
    """Try it in a child.

    Args:
        directory: any that is writable.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, _said(_attempt(directory)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as file:
        said = file.read()
    os.waitpid(child, 0)
    return _found(said)


def _said(found: Found) -> str:
    return f"{found.ids}\n{found.mounts}\n"


def _found(said: str) -> Found:
    lines = said.split("\n")
    return Found(*lines[:2]) if len(lines) > len(Found._fields) else Found(*2 * ("the try did not end",))


def _attempt(directory: str) -> Found:
    """Have this process do what an explorer and its sessions do."""
    try:
        if user_namespace.wanted():
            user_namespace.enter()
    except OSError as error:
        return Found(*2 * (_refused(f"{error.filename}: {error.strerror}"),))
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(_entered(directory)))
    thread.start()
    thread.join()
    return Found(*(_refused(what) if what else "" for what in found))


def _entered(directory: str) -> Found:
    """Return what is refused to the calling thread, when it goes where a session is."""
    try:
        namespace = pid_namespace.take()
    except (pid_namespace.Refused, OSError, RuntimeError) as error:
        return Found(str(error), _mounted(directory))
    try:
        refused = _mounted(directory)
        return Found(refused or ("" if namespace.enter() else "the mount of its /proc"), refused)
    except GateUnavailable as error:
        return Found(str(error), "")
    finally:
        namespace.end()


def _mounted(directory: str) -> str:
    try:
        return "" if read_only_mounts.make_read_only(directory) else "mounts that are read-only"
    except GateUnavailable as error:
        return str(error)


def _refused(what: str) -> str:
    if user_namespace.entered() or user_namespace.wanted():
        return f"{what}; {user_namespace.remedy()}"
    if read_only_mounts.in_chroot():
        return f"{what}; a chroot has none: use a container, whose root is changed by pivot_root"
    return f"{what}; it takes CAP_SYS_ADMIN, or an ordinary user without any capability"


if __name__ == "__main__":
    sys.stdout.write(_said(_attempt(sys.argv[1])))
