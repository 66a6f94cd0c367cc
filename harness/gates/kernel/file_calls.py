"""Handlers of file calls: stop a task before a call in the session directory, let any other one pass.

Each handler takes the supervisor's state and the pending call and returns a `Reaction`. An
`OSError` of theirs means that the call's arguments point nowhere; the kernel says so when it runs the call.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Final

from harness.gates.kernel import linux_abi, proc_files
from harness.gates.kernel.confinement import (
    crosses,
    forbidden_outside,
    leads_out,
    looked_at,
    makes_device,
    within,
)
from harness.gates.kernel.directory_limits import beyond_limits
from harness.gates.kernel.eventfd import OCCUPIED, is_reserved
from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.path_resolution import UNKNOWN, descriptor, is_indirect, path_name, signed
from harness.gates.kernel.proc_files import READS
from harness.gates.kernel.process import PendingSyscall, Process, Status
from harness.gates.kernel.quiescence import has_returned
from harness.gates.kernel.reactions import (
    CONTINUE,
    STOP_AT_FILE,
    Answer,
    Continue,
    Inconclusive,
    Reaction,
    Stop,
)
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_arguments import open_flags
from harness.gates.kernel.syscall_table import CHDIR, MAKES_DIRECTORY
from harness.gates.kernel.terminal_waits import read_wait
from harness.gates.kernel.tracee_memory import pack_stat, pack_statx

__all__ = ["by_descriptor", "by_name", "copied_by_kernel", "resolve_again"]

#: Kinds of call that may change a file.
_CHANGING: Final = frozenset({"open", "data", "meta", "names"})
_READ_ONLY: Final = Answer(error=-errno.EROFS)
_NO_SUCH_FILE: Final = Answer(error=-errno.ENOENT)
_OTHER_FILE_SYSTEM: Final = Answer(error=-errno.EXDEV)
_EXISTS: Final = Answer(error=-errno.EEXIST)
_BUSY: Final = Answer(error=-errno.EBUSY)
_NOT_PERMITTED: Final = Answer(error=-errno.EPERM)


def by_descriptor(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Handle a call about a descriptor."""
    process = pending.process
    if pending.tid not in process.tasks:
        return _by_unknown_thread(state, pending)
    fd = pending.args[pending.call.fd]
    # The table has what is signed, which the register's whole content nearly always is.
    inode = process.fds.get(fd, UNKNOWN)
    if inode is UNKNOWN:
        if state.in_call:
            _take_in_return(state)
        inode = descriptor(state.files, process, signed(fd))
        if inode is not None and is_reserved(fd):
            pending.is_about(inode)
            return Inconclusive(OCCUPIED, STOP_AT_FILE)
    if inode is None:
        if state.observer is not None:
            state.observer(pending)
        return _reads_outside(state, pending) if pending.call.name in READS else _outside(state, pending)
    pending.is_about(inode)
    return STOP_AT_FILE


def copied_by_kernel(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Handle a sendfile, splice or copy_file_range: by the descriptor to which it writes."""
    source = signed(pending.args[1 if pending.call.name == "sendfile" else 0])
    return proc_files.cannot_be_sent(pending.process, source) or by_descriptor(state, pending)


def _take_in_return(state: SupervisorState) -> None:
    """Record the watched call if it has returned, and another thread goes on where its own thread was.

    Go does that: while a thread is in a call, the runtime may give the rest of its work to another one. The
    file that the call has just made is known only once its effect is recorded.
    """
    watched = state.watched
    assert watched is not None
    pending = watched.pending
    if has_returned(state.in_call, linux_abi.NUMBERS[pending.call.name], pending.args):
        state.call_returned()


def by_name(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Handle a call about one or two paths."""
    process, call = pending.process, pending.call
    if pending.tid not in process.tasks:
        return _by_unknown_thread(state, pending)
    if call.kind == "open":
        pending.opens_with(open_flags(process, pending))
    if not _resolve(state, process, pending):
        return _outside(state, pending)
    refusal = _refusal(state, pending)
    if refusal is not None:
        return refusal
    if call.kind == "names":
        _name_directory(state, pending)
    elif call is CHDIR and pending.name == ".":
        # Every program begins so, and the session directory itself is always there.
        return CONTINUE
    if state.files.directories and (reason := beyond_limits(state.files, pending)):
        return Inconclusive(reason, STOP_AT_FILE)
    return STOP_AT_FILE


def _name_directory(state: SupervisorState, pending: PendingSyscall) -> None:
    """Call a directory by its own name that is about to be made, or to get another one."""
    if pending.call.name in MAKES_DIRECTORY and pending.name is not None:
        state.files.aliases.of_directory(pending.name)
    elif pending.name2 is not None and pending.name is not None:
        moved = state.files.names.get(pending.name)
        if moved is not None and moved.is_directory:
            state.files.aliases.of_directory(pending.name2)


def resolve_again(state: SupervisorState, pending: PendingSyscall) -> None:
    """Find anew what a call is about before which a task is stopped: directories or links were changed.

    A call that is no longer about the session directory stays about what it was about.
    """
    before = pending.name, pending.name2, pending.inode, pending.indirect
    pending.is_indirectly_about(False)
    with contextlib.suppress(OSError):
        if pending.call.kind in ("lock", "close", "table") or _resolve(state, pending.process, pending):
            return
    pending.is_about_name(before[0], before[2])
    pending.is_about_second_name(before[1])
    pending.is_indirectly_about(before[3])


def _by_unknown_thread(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Handle a call by a thread of a worker that is no lane, but one that a fence started.

    Outside it may do what a lane may do. In the session directory it cannot be told in
    whose name it acts.
    """
    process = pending.process
    if pending.call.kind == "open":
        pending.opens_with(open_flags(process, pending))
    is_inside = _resolve(state, process, pending)
    if pending.call.name in READS and not is_inside:
        return proc_files.answer(state, pending)
    if is_inside and pending.call.name != "chdir":
        return Inconclusive(
            f"a thread of process {process.name} that is no lane touched the session directory",
            _outside(state, pending),
        )
    return _outside(state, pending)


def _resolve(state: SupervisorState, process: Process, pending: PendingSyscall) -> bool:
    """Find what a call is about; return whether that is in the session directory."""
    call, args, files = pending.call, pending.args, state.files
    if call.fd >= 0:
        pending.is_about(descriptor(files, process, signed(args[call.fd])))
        return pending.inode is not None
    if call.path < 0:
        return False
    raw = process.memory.path(args[call.path]) if args[call.path] else b""
    if call.path2 < 0 and raw.startswith(files.prefix):
        # The usual case, without a look at the file system.
        name = raw[len(files.prefix) :]
        if name and b"/" not in name and name not in (b".", b".."):
            pending.is_about_name(files.decoded(name))
            return True
    at = signed(args[call.at]) if call.at >= 0 else linux_abi.AT_FDCWD
    if not raw:
        # An empty path means the descriptor itself (fstat of newer C libraries).
        if at >= 0:
            pending.is_about(descriptor(files, process, at))
        if call.path2 >= 0 and _resolve_second(state, process, pending):
            # A file that has no name gets one (linkat with AT_EMPTY_PATH).
            return True
        return pending.inode is not None
    name1, inode, outside = path_name(files, process, at, raw)
    pending.is_about_name(name1, inode)
    pending.is_indirectly_about(is_indirect(files, outside, name1))
    if call.path2 >= 0 and _resolve_second(state, process, pending):
        return True
    return name1 is not None or inode is not None or outside == files.directory


def _resolve_second(state: SupervisorState, process: Process, pending: PendingSyscall) -> bool:
    """Find what the second path of a call is about; return whether that is in the session directory."""
    call, args, files = pending.call, pending.args, state.files
    raw = process.memory.path(args[call.path2])
    if not raw:
        return False
    at = signed(args[call.at2]) if call.at2 >= 0 else linux_abi.AT_FDCWD
    name, _, path = path_name(files, process, at, raw)
    pending.is_about_second_name(name)
    pending.is_indirectly_about(pending.indirect or is_indirect(files, path, name))
    return name is not None


def _refusal(state: SupervisorState, pending: PendingSyscall) -> Answer | None:
    """Refuse a call that would change something outside, or the session directory itself."""
    call = pending.call
    names = call.kind == "names"
    if names and "." in (pending.name, pending.name2):
        # It exists already, as the kernel would say of a mkdir.
        return _EXISTS if call.name in MAKES_DIRECTORY else _BUSY
    if names and makes_device(pending):
        return _NOT_PERMITTED
    if state.guarded and ((names and crosses(pending)) or leads_out(state.files, pending)):
        # Between the session directory and that of programs: another file system, as for a /tmp.
        private = state.private and within(pending.process, pending, state.private, all_of_them=False)
        return _OTHER_FILE_SYSTEM if private else _READ_ONLY
    return None


def _outside(state: SupervisorState, pending: PendingSyscall) -> Continue | Answer | Stop:
    """Let a call outside the session directory pass, unless it would change a file there."""
    process, call = pending.process, pending.call
    if call.kind == "close":
        process.forget_fd(signed(pending.args[0]))
    elif state.guarded and forbidden_outside(process, pending, state.private):
        return _READ_ONLY
    elif state.namespaces.several and _is_hidden(state, pending):
        return _NO_SUCH_FILE
    if state.private and isinstance(process, TraceeProcess) and process.program.clock is not None:
        if call.kind == "stat":
            return _stat_of_private(state, process, pending)
        if call.kind in _CHANGING:
            state.private_stamps.may_have_changed()
    return CONTINUE


def _stat_of_private(
    state: SupervisorState, process: TraceeProcess, pending: PendingSyscall
) -> Continue | Answer:
    """Answer a stat of a file in the home or temporary directory of programs; let any other one pass."""
    path, follows = looked_at(process, pending)
    real = os.stat(path, follow_symlinks=follows)
    if path.startswith("/proc/"):
        whole = os.readlink(path)
    elif follows:
        whole = os.path.realpath(path)
    else:
        parent, name = os.path.split(path.rstrip("/"))
        whole = os.path.join(os.path.realpath(parent), name)
    if not f"{whole}/".startswith(f"{state.private}/"):
        return CONTINUE
    shown, args = state.private_stamps.of(real, state.now_ns), pending.args
    if pending.call.name == "statx":
        process.memory.write(args[4], pack_statx(real, shown, birth_time=True))
    else:
        process.memory.write(args[2 if pending.call.name == "newfstatat" else 1], pack_stat(real, shown))
    return Answer()


def _reads_outside(state: SupervisorState, pending: PendingSyscall) -> Continue | Answer | Stop:
    """Let a read outside the session directory pass; a program gets randomness and time from us."""
    process = pending.process
    if signed(pending.args[0]) not in process.fds:
        # The table has all that is not answered.
        reaction = proc_files.answer(state, pending)
        if reaction is not CONTINUE:
            return reaction
    if not isinstance(process, TraceeProcess) or pending.call.name != "read":
        return CONTINUE
    clock = process.program.clock
    if clock is None:
        return CONTINUE if process.lane is not None else _random_file(state, pending, process, process.name)
    terminal = state.terminals.of(process.lane)
    wait = read_wait(pending, terminal.slave, clock.now()) if terminal is not None else None
    if wait is not None:
        process.program.waits_before(pending.tid, wait)
        return Stop(Status.SLEEP, wait.until_ns)
    return _random_file(state, pending, process)


def _random_file(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, *stream: object
) -> Continue | Answer:
    """Answer a read of a file that gives random numbers, from the draws that a stream names."""
    length = pending.args[2]
    file = process.program.random_file(process.pid, signed(pending.args[0]))
    if file is None:
        return CONTINUE
    if stream:
        # Libraries read once for an adapter's life, and another length than its code does.
        stream = (*stream, length, "file")
    data = file.read(length, lambda count: state.random(count, *stream))
    process.memory.write(pending.args[1], data)
    return Answer(len(data))


def _is_hidden(state: SupervisorState, pending: PendingSyscall) -> bool:
    """Return whether a call is about what /proc says of a process in another PID namespace."""
    place = pending.call.path
    if place < 0 or not pending.args[place]:
        return False
    path = pending.process.memory.path(pending.args[place])
    return state.namespaces.hides_path(pending.process, path)
