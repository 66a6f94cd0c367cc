"""The part of a Dask worker in a run: it keeps a few light processes, and hands them slices of schedules.

Dask calls these functions by their names, so they stand where no other package can be. A Dask worker has
threads and much memory, and so is no process to fork from; each of its seats has a process of ours, a *host*
(`harness.explore.cluster.host`), which lives as long as slices come. A host ends when its Dask worker does,
however that came about: its pipe is closed then.

All that a host is told and answers is bytes here; this module imports nothing of the harness.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from multiprocessing.connection import Connection, Pipe

from takeover_harness.own_packages import start

__all__ = ["LOST", "STOP", "UNKNOWN", "end", "examine", "run_slice", "stop"]

#: Answers in place of a host's: it is gone, or this Dask worker has never heard of the run.
LOST, UNKNOWN = b"lost", b"unknown"
#: Tells a host to end its slice as soon as it can.
STOP = b"stop"

_BYTES_MAX = 256 << 20
_END_S = 20.0

_START = "{}from harness.explore.cluster.host import main; main({})"


class _Host:
    """A host, started and set up.

    Attributes:
        hello: what it answered to its setup; empty where it is gone.
    """

    def __init__(self, setup: bytes) -> None:
        self._slice = ""
        self._busy = threading.Lock()
        self._connection, far = Pipe()
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(start(sys.path), far.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONHASHSEED": "0"},
                pass_fds=(far.fileno(),),
                start_new_session=True,
            )
        self.hello = self._asked(setup) or b""

    @property
    def alive(self) -> bool:
        """Whether it can take a slice: one that had none for a while has ended."""
        return self._process.poll() is None

    def run(self, name: str, message: bytes) -> bytes | None:
        """Return the answer to a slice; None where the host is gone."""
        with self._busy:
            self._slice = name
            try:
                return self._asked(message)
            finally:
                self._slice = ""

    def stop(self, name: str) -> None:
        """Tell it to end a slice, or the one that it runs where none is named."""
        if self._slice and name in ("", self._slice):
            with contextlib.suppress(OSError):
                self._connection.send_bytes(STOP)

    def end(self) -> None:
        """Let it end, and see that it does."""
        with contextlib.suppress(OSError):
            self._connection.send_bytes(STOP)
        _close(self._connection)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _asked(self, message: bytes) -> bytes | None:
        with contextlib.suppress(OSError, EOFError):
            self._connection.send_bytes(message)
            return self._connection.recv_bytes(_BYTES_MAX)
        return None


def _close(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        connection.close()


#: By run and seat.
_hosts: dict[tuple[str, int], _Host] = {}
_setups: dict[str, bytes] = {}
_lock = threading.Lock()


def examine(run: str, setup: bytes) -> bytes:
    """Begin a run here: start its first host, and return what that one says of itself and this machine.

    Args:
        run: its name.
        setup: what each host of the run is told first.
    """
    with _lock:
        _setups[run] = setup
    return _host(run, 0).hello or LOST


def run_slice(run: str, seat: int, name: str, message: bytes) -> bytes:
    """Run a slice, and return what came of it, or `LOST` or `UNKNOWN`.

    Args:
        run: its name.
        seat: which of this worker's hosts runs it.
        name: of the slice, for `stop`.
        message: for the host.
    """
    if run not in _setups:
        return UNKNOWN
    return _host(run, seat).run(name, message) or LOST


def stop(run: str, names: list[str]) -> None:
    """End slices as soon as their schedule is over.

    Args:
        run: its name.
        names: of the slices; none for all of the run.
    """
    with _lock:
        found = [host for (owner, _), host in _hosts.items() if owner == run]
    for host in found:
        for name in names or [""]:
            host.stop(name)


def end(run: str) -> None:
    """End the hosts of a run. Called in the worker's own loop, which must not wait for them."""
    with _lock:
        _setups.pop(run, None)
        found = [_hosts.pop(key) for key in list(_hosts) if key[0] == run]
    for host in found:
        threading.Thread(target=host.end).start()


def _host(run: str, seat: int) -> _Host:
    with _lock:
        found = _hosts.get((run, seat))
        setup = _setups[run]
    if found is None or not found.alive:
        found = _Host(setup)
        with _lock:
            _hosts[run, seat] = found
    return found
