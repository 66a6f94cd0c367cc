"""Files of /proc that tell time and what is used: a process of the schedule reads the same each time.

The start time of a process (field 22 of ``/proc/PID/stat``) goes into lock files, and so into histories. It
is the virtual time of its birth, since the boot. The machine has booted when the clocks other than the date
began, as everywhere in a schedule; ``/proc/uptime`` and the ``btime`` of ``/proc/stat`` agree with that.
`proc_usage` has processor time and memory. The rest of these files is the kernel's, read as their reader
would.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import struct
from typing import Final

from harness.gates.kernel import proc_usage, process_tree
from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Process, by_own_id
from harness.gates.kernel.random_files import tells_time
from harness.gates.kernel.reactions import CONTINUE, Answer, Continue
from harness.gates.kernel.start_times import TICK_NS
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.system.descriptors import copy_of

__all__ = ["READS", "answer", "cannot_be_sent", "sysinfo"]

READS: Final = frozenset({"read", "readv", "pread64", "preadv", "preadv2"})
_PLAIN: Final = frozenset({"read", "pread64"})
_IN_ORDER: Final = frozenset({"read", "readv"})
#: Place of preadv2 for that of the open file.
_HERE: Final = (1 << 64) - 1
_PROCESS: Final = re.compile(r"/proc/(\d+)/(?:task/\d+/)?stat\Z").match
_CHUNK: Final = 1 << 16
_BUFFER: Final = struct.Struct("=2Q")
_BUFFERS_MAX: Final = 1024
_START_AT: Final = 19
_SECOND: Final = 1_000_000_000
#: struct sysinfo: uptime, three loads, six figures of memory, processes; then memory again.
_SYSINFO: Final = struct.Struct("=q3Q6QH")
_SYSINFO_SIZE: Final = 112
_CANNOT: Final = Answer(error=-errno.EINVAL)


def answer(state: SupervisorState, pending: PendingSyscall) -> Continue | Answer:
    """Answer a read of a file that tells time; let any other one pass.

    Args:
        state: of the supervisor.
        pending: a call of `READS` about a descriptor outside the session directory.
    """
    process, args = pending.process, pending.args
    fd = signed(args[0])
    path = _path(process, fd)
    if path is None:
        return CONTINUE
    buffers = _buffers(pending)
    copy = copy_of(process.pidfd, fd)
    try:
        in_order = pending.call.name in _IN_ORDER or args[3] == _HERE
        at = os.lseek(copy, 0, os.SEEK_CUR) if in_order else args[3]
        key, texts = (process.pid, fd), state.start_times.texts
        if not at or key not in texts:
            texts[key] = _told(state, process, path, copy)
        data = texts[key][at : at + sum(length for _, length in buffers)]
        if in_order:
            os.lseek(copy, at + len(data), os.SEEK_SET)
    finally:
        os.close(copy)
    left = data
    for address, length in buffers:
        process.memory.write(address, left[:length])
        left = left[length:]
    return Answer(len(data))


def cannot_be_sent(process: Process, fd: int) -> Answer | None:
    """Return the answer to a call that has the kernel copy a file that tells time; None for any other file.

    A program then reads and writes itself, as it does for files that cannot be copied so.
    """
    with contextlib.suppress(OSError):
        return _CANNOT if _path(process, fd) is not None else None
    return None


def sysinfo(state: SupervisorState, pending: PendingSyscall) -> Continue | Answer:
    """Answer a call that tells how long the machine is up and how busy it is; half of its memory is free."""
    buffer = ctypes.create_string_buffer(_SYSINFO_SIZE)
    if ctypes.CDLL(None).sysinfo(buffer) != 0:
        return CONTINUE
    total, _, _, _, swap, _ = _SYSINFO.unpack_from(buffer)[4:-1]
    seconds = _uptime_ns(state, pending.process) // _SECOND
    _SYSINFO.pack_into(buffer, 0, seconds, 0, 0, 0, total, total // 2, 0, 0, swap, 0, 1)
    pending.process.memory.write(pending.args[0], buffer.raw)
    return Answer()


def _uptime_ns(state: SupervisorState, process: Process) -> int:
    """Return how long the machine has been up, as a process sees it: what its monotonic clock shows.

    Raises:
        OSError: the process is gone.
    """
    if isinstance(process, TraceeProcess) and process.program.clock is not None:
        return process.program.clock.now()
    return state.now_ns


def _path(process: Process, fd: int) -> str | None:
    """Return the path of a file that tells time; None for any other one."""
    link = f"/proc/{process.pid}/fd/{fd}"
    return os.readlink(link) if tells_time(link, os.stat(link)) else None


def _buffers(pending: PendingSyscall) -> list[tuple[int, int]]:
    """Return addresses and lengths of the memory that a read is to fill."""
    args = pending.args
    if pending.call.name in _PLAIN:
        return [(args[1], args[2])]
    data = pending.process.memory.read(args[1], min(args[2], _BUFFERS_MAX) * _BUFFER.size)
    return list(_BUFFER.iter_unpack(data[: len(data) - len(data) % _BUFFER.size]))


def _told(state: SupervisorState, process: Process, path: str, copy: int) -> bytes:
    """Return the content of a file, in virtual time."""
    text = b""
    while chunk := os.pread(copy, _CHUNK, len(text)):
        text += chunk
    if path == "/proc/uptime":
        hundredths = _uptime_ns(state, process) // TICK_NS
        return b"%d.%02d 0.00\n" % divmod(hundredths, 100)
    if path == "/proc/loadavg":
        return b"0.00 0.00 0.00 1/1 %d\n" % process.own_pid
    if path == "/proc/stat":
        booted = max(0, state.clocks.ahead_ns(process.name)) // _SECOND
        text = re.sub(rb"(?m)^btime .*$", b"btime %d" % booted, text)
        return proc_usage.processors(text, process.own_pid, _uptime_ns(state, process) // TICK_NS)
    plain = proc_usage.PLAIN.get(path.rpartition("/")[2])
    if plain is not None:
        return plain(text)
    match = _PROCESS(path)
    born_ns = _born(state, int(match[1])) if match is not None else None
    if born_ns is None:
        return text
    name, bracket, rest = text.rpartition(b") ")
    fields = rest.split(b" ")
    if len(fields) > _START_AT:
        fields[_START_AT] = b"%d" % (born_ns // TICK_NS)
        proc_usage.process_stat(fields, max(0, state.now_ns - state.started_ns) // TICK_NS)
    return name + bracket + b" ".join(fields)


def _born(state: SupervisorState, number: int) -> int | None:
    """Return when a process was born, given its number in the session; None for none of the session."""
    for _ in range(2):
        for worker in state.workers.values():
            process = by_own_id(worker.processes(), number)
            if process is not None:
                return state.start_times.of(number, process.pid)
        # It may have been started just now.
        for worker in state.workers.values():
            process_tree.list_children(state, worker)
    # In a PID namespace of the session there is nothing else but what was there before.
    own = any(worker.first_pid for worker in state.workers.values())
    return state.start_times.of(number, 0) if own else None
