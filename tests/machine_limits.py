"""Commands that run another one under a limit of the machine, and whether this machine has such limits."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "MemoryGroup",
    "can_limit_memory",
    "can_limit_processes",
    "can_shift_clocks",
    "few_files",
    "few_processes",
    "memory_group",
    "shifted_clocks",
]

#: Rights of a user without a name here: read and write the files of the tests, and no more.
_CAPABILITIES = "-all,+dac_override,+dac_read_search"
_USER = 60_000 + os.getpid() % 5_000
_MIB = 1 << 20
_JOIN = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
#: Of either version: the limit, and what keeps the group from being slow instead of full.
_FILES = (("memory.max", "memory.swap.max"), ("memory.limit_in_bytes", "memory.swappiness"))
_EMPTY_S = 120.0


def few_files(most: int) -> tuple[str, ...]:
    """Return a command that runs its arguments with so many open files at most."""
    return "prlimit", f"--nofile={most}:{most}"


def few_processes(most: int) -> tuple[str, ...]:
    """Return a command that runs its arguments as a user that has so many processes and threads at most.

    Root is exempt, so it becomes another user; an ordinary user counts anew in a user namespace.
    """
    limit = ("prlimit", f"--nproc={most}:{most}")
    if os.geteuid():
        return "unshare", "--user", "--map-current-user", *limit
    sets = [f"--{one}={_CAPABILITIES}" for one in ("inh-caps", "ambient-caps", "bounding-set")]
    return "setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups", *sets, *limit


def can_limit_processes() -> bool:
    """Return whether a user can be kept from starting processes."""
    fork = ("sh", "-c", "(exit 0); exit 0")
    return _ends_well(few_processes(1000), fork) and not _ends_well(few_processes(1), fork)


def shifted_clocks(seconds: int) -> tuple[str, ...]:
    """Return a command that runs its arguments with the clocks since boot moved."""
    user = ("--user", "--map-root-user") if os.geteuid() else ()
    return "unshare", *user, "--time", f"--monotonic={seconds}", f"--boottime={seconds}"


def can_shift_clocks() -> bool:
    """Return whether a time namespace can be made."""
    return _ends_well(shifted_clocks(1000), ("true",))


def _ends_well(within: Sequence[str], command: Sequence[str]) -> bool:
    try:
        return not subprocess.run(
            [*within, *command], capture_output=True, timeout=600, check=False
        ).returncode
    except FileNotFoundError:
        return False


class MemoryGroup(NamedTuple):
    """A control group whose processes may use a limited amount of memory.

    Args:
        directory: of the group.
        limit: name of the file with its limit.
    """

    directory: Path
    limit: str

    @property
    def within(self) -> tuple[str, ...]:
        """A command that runs its arguments in the group."""
        return "sh", "-c", _JOIN, "sh", str(self.directory)


@contextlib.contextmanager
def memory_group(most_mib: int) -> Iterator[MemoryGroup]:
    """Make a control group; at the end it is empty, or the test fails.

    Raises:
        OSError: none can be made here.
    """
    group = _made(most_mib)
    try:
        yield group
        processes = group.directory / "cgroup.procs"
        deadline = time.monotonic() + _EMPTY_S
        while processes.read_text():
            assert time.monotonic() < deadline, processes.read_text()
            time.sleep(0.05)
    finally:
        with contextlib.suppress(OSError):
            group.directory.rmdir()


def can_limit_memory() -> bool:
    """Return whether a control group with a limit can be made and joined."""
    try:
        with memory_group(100) as group:
            return _ends_well(group.within, ("true",))
    except OSError:
        return False


def _made(most_mib: int) -> MemoryGroup:
    """Make a group below this process's, or below one of those around it that can have one."""
    for parent in _parents():
        directory = parent / f"harness-test-{os.getpid()}"
        for limit, swap in (
            ("memory.max", "memory.swap.max"),
            ("memory.limit_in_bytes", "memory.swappiness"),
        ):
            with contextlib.suppress(OSError):
                directory.mkdir()
                try:
                    (directory / limit).write_text(str(most_mib * _MIB))
                    with contextlib.suppress(OSError):
                        (directory / swap).write_text("0")
                except OSError:
                    directory.rmdir()
                    raise
                return MemoryGroup(directory, limit)
    raise OSError("no control group for memory can be made")


def _parents() -> Iterator[Path]:
    groups = Path("/proc/self/cgroup").read_text().splitlines()
    for mount in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        for line in groups:
            _, controllers, path = line.split(":", 2)
            if controllers == ("memory" if mount.name == "memory" else ""):
                inside = mount / path.lstrip("/")
                yield from (one for one in (inside, *inside.parents) if one.is_relative_to(mount))
