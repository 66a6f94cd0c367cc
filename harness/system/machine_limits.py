"""Limits of the machine: files open at a time, processes, memory; a shortage, and its remedy.

A fence that runs into one of them would look faulty, and so would the harness. `harness.system.janitor`
looks after room in the file system. The janitor imports this module; it needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from collections.abc import Iterator

from harness.system import control_group

__all__ = [
    "NO_THREAD",
    "OPEN_FILES_MIN",
    "OutOfMemory",
    "be_killed_first",
    "check_descriptor",
    "of_error",
    "open_files_max",
    "starting",
    "too_small",
]

_MIB = 1 << 20
#: A small scenario takes half of them.
OPEN_FILES_MIN = 64
#: With less, the kernel kills the harness itself while it starts.
_MEMORY_BYTES_MIN = 96 * _MIB
#: The last numbers of descriptors, which are for files that are closed again at once.
_SPARE = 8

#: Python's words for it.
NO_THREAD = "can't start new thread"


def too_small() -> str:
    """Return which limit is too small for any run, and what to do; empty if none is."""
    files = open_files_max()
    if files < OPEN_FILES_MIN:
        return (
            f"at most {files} files may be open at a time, at least {OPEN_FILES_MIN} are needed; "
            "raise the limit (ulimit -n)"
        )
    memory = control_group.memory_limit()
    if memory is not None and memory.most_bytes < _MEMORY_BYTES_MIN:
        return (
            f"the control group may use {_whole_mib(memory.most_bytes)} of memory, at least "
            f"{_whole_mib(_MEMORY_BYTES_MIN)} are needed; raise {memory.path}, or the limit of the container"
        )
    return ""


def be_killed_first() -> None:
    """Ask the kernel to kill this process, and what it starts, before the user's if memory runs out."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def open_files_max() -> int:
    """Return how many descriptors this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft


def check_descriptor(descriptor: int) -> int:
    """Return a descriptor that stays open, if its number leaves room for those that do not.

    Raises:
        Shortage: it does not; the descriptor is closed.
    """
    if descriptor >= open_files_max() - _SPARE:
        os.close(descriptor)
        from harness.model.errors import Shortage

        raise Shortage(_too_many_files())
    return descriptor


def of_error(error: BaseException) -> str:
    """Return which limit of the machine an error is of, and what to do; empty for none."""
    if isinstance(error, MemoryError):
        return _no_memory()
    if isinstance(error, RuntimeError):
        return _no_process() if NO_THREAD in str(error) else ""
    if not isinstance(error, OSError):
        return ""
    if error.errno == errno.EMFILE:
        return _too_many_files()
    if error.errno == errno.ENFILE:
        return "the machine has no room for another open file; close some, or raise fs.file-max"
    return _no_memory() if error.errno == errno.ENOMEM else ""


@contextlib.contextmanager
def starting(what: str) -> Iterator[None]:
    """Raise a shortage in place of the error with which the kernel refuses to start a process or thread.

    Args:
        what: is started.

    Raises:
        Shortage: the machine allows no further one.
    """
    try:
        yield
    except (OSError, RuntimeError, MemoryError) as error:
        # Of a call that may have to wait, the same number says that it would have to.
        refused = isinstance(error, OSError) and error.errno == errno.EAGAIN
        why = _no_process() if refused else of_error(error)
        if not why:
            raise
        from harness.model.errors import Shortage

        raise Shortage(f"{what} cannot be started: {why}") from error


class OutOfMemory:
    """Notices that the kernel has killed a process of this control group because memory ran out."""

    def __init__(self) -> None:
        self._before = control_group.oom_kills()

    def why(self) -> str:
        """Return what happened since the start, and what to do; empty if nothing did."""
        if control_group.oom_kills() <= self._before:
            return ""
        memory = control_group.memory_limit()
        if memory is None:
            return (
                "memory ran out and the kernel killed a process; free some memory, or use fewer --explorers"
            )
        return (
            f"memory ran out and the kernel killed a process: the control group may use "
            f"{_whole_mib(memory.most_bytes)}; raise {memory.path}, or the limit of the container, "
            "or use fewer --explorers"
        )


def _too_many_files() -> str:
    return (
        f"at most {open_files_max()} files may be open at a time, and that is too few here; "
        "raise the limit (ulimit -n), or use fewer --explorers or lanes"
    )


def _no_process() -> str:
    most, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    allowed = "" if most == resource.RLIM_INFINITY else f" (this user may have {most}: ulimit -u)"
    return (
        f"no further process or thread is allowed{allowed}; raise the limit, that of the container too "
        "(pids.max), or use fewer --explorers or lanes"
    )


def _no_memory() -> str:
    return "no memory is left; free some, raise the limit (ulimit -v), or use fewer --explorers"


def _whole_mib(count: int) -> str:
    return f"{count // _MIB} MiB"
