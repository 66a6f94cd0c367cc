"""Explorer processes: start them, give them work, receive what they find, end them.

An explorer process is a fresh interpreter with a fixed hash seed on one core,
light and single-threaded, so that it may fork. It is in a session of its own: a
terminal's signals reach the harness alone, which decides what they mean. It dies
with the harness.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import traceback
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, ClassVar, Protocol

from harness.explore.messages import (
    BYTES_MAX,
    DONE,
    STOP,
    Bug,
    decode_finding,
    decode_work,
    encode_failure,
    encode_finding,
    encode_work,
    receive,
    send,
)
from harness.gates.limits import DATA_BYTES_MAX, FILE_BYTES_MAX
from harness.model.errors import HarnessError, Shortage, WorkerDied
from harness.system.janitor import MARK, SessionRoot
from harness.system.machine_limits import OutOfMemory, check_descriptor, of_error, starting
from harness.system.parent_death import end_with_parent
from takeover_harness.own_packages import start

__all__ = ["DONE", "FILE_BYTES_MAX", "Bug", "ExplorerProcess", "Lost", "Work", "cores", "main", "perform"]

_REAP_S = 10.0
_START = (
    "{}"
    # Before anything large is imported.
    "from harness.system.machine_limits import be_killed_first; be_killed_first(); "
    "from harness.system.own_ids import prepare; prepare({!r}); "
    "from harness.explore.worker_pool import main; main({}, {}, {!r}, {}, {})"
)
_PR_SET_CHILD_SUBREAPER = 36


class Lost(WorkerDied):
    """An explorer process ended in the middle of its work."""


class Work(Protocol):
    """Work for an explorer process: a `msgspec.Struct`, see `harness.explore.messages`.

    Attributes:
        finds: type of what it yields.
    """

    finds: ClassVar[Any]

    def run(self, root: str) -> Generator[object, None, None]:
        """Do the work.

        Args:
            root: where to make session directories.

        Yields:
            Findings, as they come. To end the work early the generator is closed.
        """


def cores() -> list[int]:
    """Return the usable processors, beginning with another one in each harness."""
    usable = sorted(os.sched_getaffinity(0))
    first = os.getpid() % len(usable)
    return usable[first:] + usable[:first]


class ExplorerProcess:
    """The near end of an explorer process.

    Args:
        core: processor that it stays on.
        root: where it makes session directories.
        file_bytes_max: how large files may get.
        pass_fds: further descriptors that it gets.

    Raises:
        Shortage: it cannot be started.
    """

    def __init__(
        self, core: int, root: str, file_bytes_max: int = FILE_BYTES_MAX, pass_fds: Sequence[int] = ()
    ) -> None:
        self.core = core
        self._memory = OutOfMemory()
        self.connection, far = Pipe()
        with far, starting("an explorer process"):
            code = _START.format(start(sys.path), root, far.fileno(), core, root, os.getpid(), file_bytes_max)
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONHASHSEED": "0", MARK: root},
                pass_fds=(far.fileno(), *pass_fds),
                start_new_session=True,
            )
            try:
                self._pidfd = check_descriptor(os.pidfd_open(self._process.pid))
            except (OSError, Shortage):
                self._process.kill()
                self._process.wait()
                raise
        self._finds: Any = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Return whether it runs."""
        return self._process.poll() is None

    @property
    def waitables(self) -> tuple[Connection, int]:
        """Objects for `multiprocessing.connection.wait`; when one is ready, `receive` does not block."""
        # The pipe alone does not show the end: a process that the explorer started may still hold it.
        return self.connection, self._pidfd

    def give(self, work: Work) -> None:
        """Hand work over; the process must be idle.

        Raises:
            UsageError: a number in it is too large.
        """
        self._finds = work.finds
        message = encode_work(work)
        with contextlib.suppress(OSError):
            send(self.connection, message)

    def stop(self) -> None:
        """Ask it to end its work as soon as it can."""
        with contextlib.suppress(OSError):
            send(self.connection, STOP)

    def receive(self) -> object:
        """Wait for the next message and return it.

        Returns:
            A finding, or `DONE`.

        Raises:
            Lost: the process is gone.
            Shortage: it was killed for want of memory.
            HarnessError: what ended the work.
        """
        wait(self.waitables)
        message = self._received()
        if message is None:
            lost = f"an explorer process {self._why_lost()}"
            why = self._memory.why()
            raise Shortage(f"{lost}: {why}") if why else Lost(lost)
        return decode_finding(message, self._finds)

    def _why_lost(self) -> str:
        try:
            return _ending(self._process.wait(_REAP_S))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return f"closed its pipe, or sent a message of more than {BYTES_MAX >> 20} MiB"

    def _received(self) -> bytes | None:
        try:
            return receive(self.connection) if self.connection.poll() else None
        except OSError:
            return None

    def dismiss(self) -> None:
        """Let an idle process stop its waiting workers and exit; `end` makes sure that it is gone."""
        self.connection.close()

    def end(self, patience_s: float = 0.0) -> None:
        """Kill it, and its workers with it.

        Args:
            patience_s: how long it may take to exit by itself.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        self._process.kill()
        self._process.wait(_REAP_S)
        os.close(self._pidfd)
        self.connection.close()


def perform(
    work: Work, parent: str | None = None, pass_fds: Sequence[int] = ()
) -> Generator[object, None, None]:
    """Do work in one explorer process that is started for it.

    Args:
        work: what to do.
        parent: where the root of session directories is made; None for the system's
            temporary directory.
        pass_fds: further descriptors that the process gets.

    Yields:
        The results of the work.

    Raises:
        HarnessError: what ended the work.
    """
    with SessionRoot(parent) as root:
        explorer = ExplorerProcess(cores()[0], root, pass_fds=pass_fds)
        try:
            explorer.give(work)
            while (found := explorer.receive()) is not DONE:
                yield found
        finally:
            explorer.end()


def _ending(status: int) -> str:
    if status < 0:
        return f"was killed by signal {-status}"
    return f"ended with status {status}"


# The far end


class _HarnessGone(Exception):
    """The pipe to the harness is closed."""


def main(descriptor: int, core: int, root: str, parent: int, file_bytes_max: int) -> None:
    """Run an explorer process: work in, findings out, until the pipe is closed.

    Args:
        descriptor: of the pipe.
        core: processor to stay on.
        root: where session directories are made.
        parent: process id of the harness.
        file_bytes_max: how large files may get.
    """
    os.set_inheritable(descriptor, False)
    connection = Connection(descriptor)
    try:
        # Imported before there is any work, and not in the harness, which does not need it.
        from harness.explore.explorer import ticking
        from harness.explore.explorer_cache import close_all
        from harness.lanes.worker import prepare

        _settle_in(parent, core, file_bytes_max)
        prepare()
    except Exception as error:
        why = of_error(error)
        if not why:
            raise
        with contextlib.suppress(_HarnessGone):
            _send(connection, encode_failure(Shortage(f"an explorer process cannot be started: {why}")))
        return
    with ticking(), contextlib.suppress(_HarnessGone):
        while True:
            work = decode_work(_receive(connection))
            if work is not None:  # left over: the work that it was meant to stop had ended
                _send(connection, _carry_out(work, connection, root))
    close_all()


def _receive(connection: Connection) -> bytes:
    try:
        return receive(connection)
    except OSError as error:
        raise _HarnessGone from error


def _send(connection: Connection, message: bytes) -> None:
    try:
        send(connection, message)
    except OSError as error:
        raise _HarnessGone from error


def _settle_in(parent: int, core: int, file_bytes_max: int) -> None:
    """Stay on one core, die with the parent, and adopt what workers leave behind."""
    end_with_parent()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, file_bytes_max)
    _limit(resource.RLIMIT_DATA, DATA_BYTES_MAX)
    os.sched_setaffinity(0, {core})


def _limit(kind: int, most: int) -> None:
    """Lower a resource limit of this process and of all that it starts; never raise one."""
    soft, hard = (
        most if now == resource.RLIM_INFINITY else min(now, most) for now in resource.getrlimit(kind)
    )
    resource.setrlimit(kind, (soft, hard))


def _carry_out(work: Work, connection: Connection, root: str) -> bytes:
    """Do the work, send its findings, and return the message that ends it."""
    try:
        with contextlib.closing(work.run(root)) as findings:
            for found in findings:
                _send(connection, encode_finding(found))
                if connection.poll():
                    _receive(connection)
                    break
    except _HarnessGone:
        raise
    except HarnessError as error:
        return encode_failure(error)
    except Exception as error:  # of our code: the harness reports it as a bug
        why = of_error(error)
        if why:
            return encode_failure(Shortage(why))
        return encode_failure(Bug("".join(traceback.format_exception(error))))
    finally:
        _kill_orphans()
    return DONE


def _kill_orphans() -> None:
    """Kill child processes that are left over from the work; a fence may have started any number."""
    import psutil

    from harness.explore.explorer_cache import cached_pids
    from harness.system import pid_namespace

    waiting = cached_pids() | pid_namespace.held()
    for child in psutil.Process().children():
        if child.pid in waiting:
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            # Parents first: a process without its parent becomes our child, and we can wait for it.
            family = [child, *child.children(recursive=True)]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family, _REAP_S)
