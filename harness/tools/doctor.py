"""Examine this machine: its gates, and the file system under the session directories."""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

from fence.statx import statx
from harness.gates import GATES, unavailable
from harness.gates.kernel import program_clock, thread_turns
from harness.model.errors import UsageError
from harness.system import landlock, own_ids, terminals
from harness.system.janitor import in_memory, session_parent, shortage
from harness.system.machine_limits import too_small
from takeover_harness.compiled import state

__all__ = ["examine", "own_ids_of", "reuses_inodes"]

_TRIES = 500
_NOTABLE_NS = 100_000


def examine(root: str | None = None) -> dict[str, object]:
    """Examine the machine and the file system under `root`, and return the findings.

    Args:
        root: directory for session directories; None for the system's temporary one.

    Returns:
        Findings by name; a gate that is available says ``available``.
    """
    findings: dict[str, object] = {
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        "hot_path": state(),
    }
    findings["machine_limits"] = too_small() or "enough"
    for gate in GATES:
        findings[f"gate_{gate}"] = unavailable(gate) or "available"
    findings["landlock"] = landlock.why_not() or f"ABI {landlock.abi()}"
    own = own_ids_of(root)
    findings["read_only_mounts"] = _or_not(
        own.mounts,
        "available",
        "modes, owners and times of files outside are guarded by the supervisor alone",
    )
    findings["not_confined"] = ", ".join(landlock.missing()) or "nothing"
    findings["process_ids"] = _or_not(
        own.ids, "the session's own", "process ids are the machine's own and differ from run to run"
    )
    findings["clock_of_programs"] = program_clock.unavailable() or "virtual"
    findings["terminals"] = terminals.why_not() or "available"
    findings["threads_of_programs"] = thread_turns.unavailable() or "one at a time"
    findings["node"] = _node()
    findings["programs"] = unavailable("programs") or "available"
    with _directory(root) as directory:
        findings["session_root"] = os.path.dirname(os.path.realpath(directory))
        findings["session_root_in_memory"] = in_memory() or "none"
        findings["free_space"] = shortage(directory) or "enough"
        findings["file_system"] = _file_system(directory)
        findings["birth_time"] = _birth_time(directory)
        findings["inode_reuse"] = _inode_reuse(directory)
        findings["time_grain_ms"] = _time_grain_ms(directory)
        findings["change_after_look_seen"] = _change_seen_after_stat(directory)
    return findings


def own_ids_of(root: str | None = None) -> own_ids.Found:
    """Return whether an explorer's sessions have process ids and read-only mounts of their own; why not."""
    with _directory(root) as directory:
        return own_ids.examine(os.path.realpath(directory))


def _or_not(refused: str, there: str, otherwise: str) -> str:
    return f"{otherwise}; {refused}" if refused else there


def reuses_inodes(root: str | None) -> bool:
    """Return whether a new file gets the inode number of a file that was just removed."""
    with _directory(root) as directory:
        return _inode_reuse(directory)


def _node() -> str:
    """Return the version of Node, which the external fences in `examples/node` need."""
    program = shutil.which("node")
    if program is None:
        return "missing; `--fence exec:'node ...'` needs it (Debian: apt install nodejs)"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=10, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not start: {error}"
    return done.stdout.strip() or f"{program} says nothing to --version"


@contextlib.contextmanager
def _directory(root: str | None) -> Iterator[str]:
    """Make a directory for experiments, and remove it at the end.

    Raises:
        UsageError: none can be made there.
    """
    parent = session_parent(root)
    try:
        directory = tempfile.mkdtemp(prefix="harness-doctor-", dir=parent)
    except OSError as error:
        raise UsageError(
            f"{parent}: no directory can be made: {error.strerror}; give another --session-root"
        ) from error
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))


def _write(path: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, b"x")
    os.close(fd)


def _file_system(directory: str) -> str:
    best, kind = "", "unknown"
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, point, name, *_ = line.split()
            if (directory + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
                best, kind = point, name
    return kind


def _birth_time(directory: str) -> bool:
    path = os.path.join(directory, "born")
    _touch(path)
    return statx(path).birth_ns is not None


def _inode_reuse(directory: str) -> bool:
    """Return whether any of many tries reuses a number; another process can only prevent reuse."""
    path = os.path.join(directory, "reuse")
    for _ in range(_TRIES):
        _touch(path)
        before = os.stat(path).st_ino
        os.unlink(path)
        _touch(path)
        hit = os.stat(path).st_ino == before
        os.unlink(path)
        if hit:
            return True
    return False


def _time_grain_ms(directory: str) -> float:
    """Return the shortest time between two stamps of files that are not stat-ed in between."""
    path = os.path.join(directory, "grain")
    stamps = []
    deadline = time.monotonic() + 0.1
    number = 0
    while time.monotonic() < deadline:
        # A new file each time: after a stat the next write would get a fresh stamp.
        name = f"{path}{number}"
        number += 1
        _touch(name)
        stamps.append(os.stat(name).st_mtime_ns)
        os.unlink(name)
    gaps = [b - a for a, b in itertools.pairwise(stamps) if b - a > _NOTABLE_NS]
    return round(min(gaps, default=0) / 1e6, 3)


def _change_seen_after_stat(directory: str) -> bool:
    """Return whether a write after a stat always changes the stamp (multigrain time stamps)."""
    path = os.path.join(directory, "stamp")
    _touch(path)
    for _ in range(200):
        before = os.stat(path).st_mtime_ns
        _write(path)
        if os.stat(path).st_mtime_ns == before:
            return False
    return True
