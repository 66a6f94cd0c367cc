"""Execute the operations of one lane in a worker process.

The executor knows the fence's interface and the rogue actions, and nothing of gates or schedules: it
waits, sleeps and thinks through the `Waits` that it is given.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Collection
from typing import Any, Protocol

from fence.errors import ExternalError, LockTimeoutError, StaleLockError, TakeoverError
from fence.protocol import Fence, Site
from harness.gates.walls import SAID, cause_of
from harness.model.history import digest
from harness.model.program import LaneProgram, Op
from harness.model.shared_memory import OUTCOMES, SharedMemory
from harness.system.machine_limits import NO_THREAD

__all__ = ["OpExecutor", "Waits"]

_OK, _REFUSED, _LOCK_TIMEOUT, _STALE, _UNSUPPORTED, _SKIPPED, _CRASH, _FAILED = range(len(OUTCOMES))
_HEADS = frozenset({"begin_turn", "acquire"})
#: Operations that a full disk may deny without ending the whole turn.
_SURVIVED = frozenset({"guarded_write"})
#: Operations that a fence may lack; an adapter says in its hello that it has no rewrite.
_OPTIONAL = frozenset({"recover", "rewrite"})
#: Answers of the harness in the kernel's place, and the errors of its limits.
_OURS = frozenset(
    {errno.EROFS, errno.EPERM, errno.EACCES, errno.EXDEV, errno.ENOSYS, errno.ENOMEM, errno.EFBIG}
)
#: Return codes of a program that the kernel ended for a file that is too large; the second is a shell's.
_TOO_LARGE = frozenset({-signal.SIGXFSZ, 128 + signal.SIGXFSZ})
#: The errors of the machine's limits; EAGAIN only where a process or a thread was to be started.
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN})
#: Functions that start one, and those that say EAGAIN for a lock that another one has.
_STARTING = frozenset({"fork", "forkpty", "_fork_exec", "posix_spawn", "posix_spawnp"})
_LOCKING = frozenset({"flock", "lockf", "fcntl"})
_CHAIN_MAX = 32
#: Operations that are still called after an earlier one of the group failed.
_CLEAN_UP = frozenset({"end_turn", "release"})


class Waits(Protocol):
    """The ways in which a lane waits; each gate implements them."""

    def think(self, lane: int, steps: int) -> None:
        """Wait for `steps` scheduling points."""

    def pause(self, lane: int, duration_ms: int) -> None:
        """Wait for some virtual time."""

    def begin(self, lane: int, op: int) -> None:
        """Note that an operation begins."""

    def end(self, lane: int, op: int) -> None:
        """Note that an operation ended."""


class OpExecutor:
    """Executes one lane's program, call by call.

    Args:
        index: index of the lane.
        program: operations of the lane.
        transcript: absolute path.
        make_fence: class of the fence, or any function that makes a handle from a site.
        process: the process-scoped state of this schedule.
        options: options for the fence.
        shared_memory: receives the progress.
        waits: implements waiting.
    """

    def __init__(
        self,
        index: int,
        program: LaneProgram,
        transcript: str,
        make_fence: Callable[[Site], Fence],
        process: dict[str, Any],
        options: dict[str, int | str | bool],
        shared_memory: SharedMemory,
        waits: Waits,
    ) -> None:
        self._index = index
        self._program = program
        self._transcript = transcript
        self._make_fence = make_fence
        self._process = process
        self._options = options
        self._shared_memory = shared_memory
        self._waits = waits
        self._pid = os.getpid()
        self._handles: dict[str, Fence] = {}
        self._failed: set[int] = set()
        self._refused: set[int] = set()
        self._cause = 0
        self._number = 0
        self._note: Callable[[int, BaseException], None] | None = None

    def note_exceptions(self, note: Callable[[int, BaseException], None]) -> None:
        """Have the number of an operation and the exception that ended it noted."""
        self._note = note

    def run(self) -> None:
        """Execute the whole program and record the outcome of each operation."""
        shared_memory, index, waits = self._shared_memory, self._index, self._waits
        for number, op in enumerate(self._program.ops):
            shared_memory.begin(index, number)
            waits.begin(index, number)
            self._number = number
            outcome, detail = self._attempt(op)
            if os.getpid() != self._pid:
                # This is a copy of the lane in a process that the fence forked; only the lane itself goes on.
                os._exit(1)
            waits.end(index, number)
            shared_memory.end(index, number, outcome, detail, self._cause)

    def _attempt(self, op: Op) -> tuple[int, str]:
        self._cause = 0
        if self._skips(op):
            return _SKIPPED, ""
        try:
            detail = self._call_or_say_why(op)
        except TakeoverError as error:
            self._refused.add(op.turn)
            outcome, detail = _REFUSED, self._message(error)
        except LockTimeoutError as error:
            outcome, detail = _LOCK_TIMEOUT, self._message(error)
            self._cause = int(getattr(self._make_fence, "waits_in_real_time", False))
        except StaleLockError as error:
            outcome, detail = _STALE, self._message(error)
        except NotImplementedError as error:
            if op.kind not in _OPTIONAL:
                self._failed.add(op.group)
                return _CRASH, self._named_message(error)
            outcome, detail = _UNSUPPORTED, self._message(error)
        except OSError as error:
            handed_on = bool(error.errno) and error.errno in _injected(op)
            outcome, detail = _FAILED if handed_on else _CRASH, self._named_message(error)
            if not (handed_on and op.kind in _SURVIVED):
                self._failed.add(op.group)
            return outcome, detail
        except BaseException as error:
            # Any other exception of a fence, KeyboardInterrupt included, is a finding about it.
            self._failed.add(op.group)
            outcome, detail = _CRASH, self._named_message(error)
        else:
            return (_UNSUPPORTED, "") if detail is None else (_OK, detail)
        if op.kind in _HEADS:
            self._failed.add(op.group)
        return outcome, detail

    def _skips(self, op: Op) -> bool:
        if op.kind == "recover" and op.turn not in self._refused:
            return True
        if op.group not in self._failed:
            return False
        return op.kind not in _CLEAN_UP or not self._handles

    def _handle(self, route: str) -> Fence:
        handle = self._handles.get(route)
        if handle is None:
            site = Site(self._transcript, self._program.name, self._process, self._options)
            handle = self._handles[route] = self._make_fence(site)
        return handle

    def _call(self, op: Op) -> str | None:
        """Make the call and return its detail; None when the fence does not support it."""
        kind = op.kind
        if kind == "think":
            self._waits.think(self._index, op.steps)
            return ""
        if kind == "pause":
            self._waits.pause(self._index, op.duration_ms)
            return ""
        if kind == "action":
            return self._act(op)
        handle = self._handle(op.route)
        if kind in ("append", "guarded_write"):
            getattr(handle, kind)([f"{entry.line}\n".encode() for entry in op.entries])
            return ""
        if kind == "load":
            return _digest_of(handle.load())
        if kind == "rewrite":
            from harness.scenario.roles.compactor import rewrite_lines

            handle.rewrite(rewrite_lines(handle.load(), op), op.how)
            return ""
        if kind == "recover":
            return "" if handle.recover() else None
        getattr(handle, kind)()
        return ""

    def _call_or_say_why(self, op: Op) -> str | None:
        """Make the call; note the errno behind an exception, unless a fault was to cause it."""
        try:
            return self._call(op)
        except BaseException as error:
            self._cause = _errno_behind(error, _injected(op))
            if self._note is not None:
                self._note(self._number, error)
            raise

    def _act(self, op: Op) -> str:
        if op.argv:
            return self._launch(op)
        from harness.scenario.actions import ACTIONS

        ACTIONS[op.how].perform(self._transcript, op.args)
        return ""

    def _launch(self, op: Op) -> str:
        from harness.lanes.program_requests import ProgramRequests
        from harness.scenario.exec_program import launch, launch_at_terminal

        given = ProgramRequests(self._index, self._number)
        if op.term:
            return launch_at_terminal(op.argv, self._transcript, op.term, given)
        return launch(op.argv, self._transcript, given if op.begins else None)

    def _message(self, error: BaseException) -> str:
        """Return the message of an exception without the transcript's directory, which varies by run."""
        try:
            directory = os.path.dirname(self._transcript)
            return str(error).replace(directory + "/", "").replace(directory, ".")
        except Exception:  # a fence's own class, which may do anything
            return f"{type(error).__name__} whose text cannot be had"

    def _named_message(self, error: BaseException) -> str:
        return f"{type(error).__name__}: {self._message(error)}"


def _digest_of(content: bytes) -> str:
    """Return the digest of what `load` returned.

    Raises:
        TypeError: that is no content; names the type, which the one of the hash function does not.
    """
    try:
        return digest(content)
    except TypeError:
        raise TypeError(
            f"load returned {type(content).__name__}, expected bytes, all of the transcript"
        ) from None


def _injected(op: Op) -> set[int]:
    """Return the errnos that faults are to cause in an operation."""
    return {getattr(errno, fault.error, 0) for fault in op.faults if fault.error}


def _errno_behind(error: BaseException, injected: Collection[int]) -> int:
    """Return the cause of the nearest exception in a chain that the harness may have caused; 0 for none.

    One of a limit of the machine counts where there is no other.

    Args:
        error: the exception that a fence raised.
        injected: errnos that a fault was to cause.
    """
    found: BaseException | None = error
    scarce = 0
    for _ in range(_CHAIN_MAX):
        if found is None:
            break
        code = _code_of(found)
        if code in _OURS and code not in injected:
            names_file = getattr(found, "filename", None) is not None or _is_told(found)
            return cause_of(code, names_file, _called(found))
        if isinstance(found, ExternalError):
            return SAID
        if code in _SCARCE:
            scarce = scarce or code
        found = found.__cause__ or found.__context__
    return scarce


def _is_told(error: BaseException) -> bool:
    """Return whether an exception is an adapter's answer, whose text may name a file."""
    return isinstance(error.__cause__, ExternalError)


def _code_of(error: BaseException) -> int:
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, RuntimeError) and NO_THREAD in str(error):
        return errno.EAGAIN
    if getattr(error, "returncode", 0) in _TOO_LARGE:
        return errno.EFBIG
    code = getattr(error, "errno", 0)
    if code == errno.EAGAIN and not _was_starting(error):
        return 0
    return code if isinstance(code, int) else 0


def _was_starting(error: BaseException) -> bool:
    """Return whether the function that failed starts processes, and takes no lock."""
    called = _called(error)
    return bool(called & _STARTING) and not called & _LOCKING


def _called(error: BaseException) -> frozenset[str]:
    """Return the names that the function uses which failed."""
    called: frozenset[str] = frozenset()
    trace = error.__traceback__
    while trace is not None:
        called = frozenset(trace.tb_frame.f_code.co_names)
        trace = trace.tb_next
    return called
