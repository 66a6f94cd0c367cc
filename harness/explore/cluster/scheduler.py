"""The Dask scheduler of a run: the one that the user names, or one of our own on this machine.

All that touches Dask distributed is here; it is imported when a scheduler is asked for. The content of
requests to a worker, and of its answers, means nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from harness.model.errors import UsageError, WorkerDied
from harness.system.bounded_read import content
from harness.system.machine_limits import starting
from takeover_harness.own_packages import start

__all__ = ["LOCAL", "Scheduler", "check", "connected"]

#: Begins the name of a scheduler of our own: ``local:N`` has N workers.
LOCAL = "local:"
_LOCAL_MAX = 256
_SCHEMES = ("tcp", "tls")

_FILE_BYTES_MAX = 1 << 20
_CONNECT_S = 20.0
_LOCAL_S = 120.0
_END_S = 5.0
#: A result that is known to be there and does not come was lost with its worker.
_RESULT_S = 30.0
_PAUSE_S = 0.05

_PROCESS = (
    "{}from harness.system.parent_death import end_with_parent; end_with_parent(); "
    "from distributed.cli.dask_{} import main; main({!r})"
)


def check(name: str) -> None:
    """Check what ``--cluster`` names, as far as that takes no connection.

    Args:
        name: ``local:N``, ``tcp://HOST:PORT``, ``tls://HOST:PORT`` or the scheduler file of Dask.

    Raises:
        UsageError: it is nothing of the kind, or Dask distributed is not installed.
    """
    _address_of(name)
    import importlib.util

    if importlib.util.find_spec("distributed") is None:
        raise UsageError(
            f"--cluster {name}: needs Dask distributed; pip install 'takeover-harness[cluster]' here, "
            "and on every machine of the cluster"
        )


def _address_of(name: str) -> str:
    """Return the address of a scheduler; empty for one of our own."""
    if name.startswith(LOCAL):
        count = name.removeprefix(LOCAL)
        if not (count.isascii() and count.isdigit() and 1 <= int(count[:4]) <= _LOCAL_MAX and len(count) < 4):  # noqa: PLR2004
            raise UsageError(f"--cluster {name}: expected local:N with N from 1 to {_LOCAL_MAX}")
        return ""
    scheme, slashes, place = name.partition("://")
    if slashes:
        host, _, port = place.rpartition(":")
        if scheme not in _SCHEMES or not host or not port.isdigit():
            raise UsageError(
                f"--cluster {name}: expected {' or '.join(f'{one}://HOST:PORT' for one in _SCHEMES)}"
            )
        return name
    try:
        found = json.loads(content(name, _FILE_BYTES_MAX))
        address = found["address"]
    except OSError as error:
        raise UsageError(
            f"--cluster {name}: {error.strerror}; expected local:N, tcp://HOST:PORT, or the file that "
            "`dask scheduler --scheduler-file` has written"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"--cluster {name}: is no scheduler file of Dask, which has an address in JSON"
        ) from error
    if not isinstance(address, str) or "://" not in address:
        raise UsageError(f"--cluster {name}: address {address!r}, expected tcp://HOST:PORT")
    return address


class Scheduler:
    """A connection to a Dask scheduler.

    Args:
        client: of Dask.
        name: as the user gave it.
        processes: of our own scheduler and workers.
    """

    def __init__(self, client: Any, name: str, processes: list[subprocess.Popen[bytes]]) -> None:
        self._client = client
        self._futures: dict[str, Any] = {}
        self._processes = processes
        self.name = name

    def workers(self) -> dict[str, int]:
        """Return the addresses of the Dask workers that are there, each with its number of threads.

        Raises:
            WorkerDied: the scheduler is gone.
        """
        try:
            found: Mapping[str, int] = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=_CONNECT_S
            )
        except Exception as error:  # Dask raises what its transport, its loop or the far side raised
            raise WorkerDied(f"--cluster {self.name}: the scheduler is gone: {_told(error)}") from error
        return dict(found)

    def submit(
        self,
        name: str,
        address: str,
        call: Callable[..., Any],
        arguments: tuple[Any, ...],
        done: Callable[[str, object], None],
    ) -> None:
        """Have a Dask worker call a function.

        Args:
            name: of the call; no other one has it.
            address: of the Dask worker; no other one will do it, also when that one is gone.
            call: one of `takeover_harness.dask_worker`, or of the standard library.
            arguments: of the function.
            done: called in a thread of Dask's with the name and what came of it.
        """
        future = self._client.submit(
            call, *arguments, key=name, workers=[address], allow_other_workers=False, pure=False, retries=0
        )
        self._futures[name] = future

        def ended(found: Any) -> None:
            if found.cancelled():
                return
            try:
                answer: object = found.result(timeout=_RESULT_S)
            except Exception as error:  # any error of the call, or of Dask in its place
                answer = error
            done(name, answer)

        future.add_done_callback(ended)

    def forget(self, name: str) -> None:
        """Let go of a call: its result is not wanted any more."""
        future = self._futures.pop(name, None)
        if future is not None:
            # Dask may raise anything where the scheduler is gone; then there is nothing to release.
            with contextlib.suppress(Exception):
                future.release()

    def tell(
        self,
        call: Callable[..., None],
        arguments: tuple[Any, ...],
        addresses: Iterable[str],
        wait_s: float = 0.0,
    ) -> None:
        """Have Dask workers call a function at once, beside all else that they do.

        Args:
            call: one of `takeover_harness.dask_worker`.
            arguments: of the function.
            addresses: of the Dask workers.
            wait_s: how long to wait for them.
        """
        where = list(addresses)
        if not where:
            return
        told = self._client._run(call, *arguments, workers=where, on_error="ignore")
        pending = asyncio.run_coroutine_threadsafe(told, self._client.loop.asyncio_loop)
        if wait_s:
            # A worker that cannot be told is gone, or is found to be gone by the next look.
            with contextlib.suppress(Exception):
                pending.result(wait_s)

    def close(self) -> None:
        """Let go of all calls and of the scheduler; one of our own ends, with its workers."""
        for name in list(self._futures):
            self.forget(name)
        # The run is over, and processes of our own are killed below.
        with contextlib.suppress(Exception):
            self._client.close(timeout=_END_S)
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


@contextlib.contextmanager
def connected(name: str, root: str) -> Iterator[Scheduler]:
    """Yield a connection to a scheduler.

    Args:
        name: as `check` takes it.
        root: directory for the files of a scheduler of our own.

    Raises:
        UsageError: there is none, or none answers.
    """
    check(name)
    from distributed import Client

    # Exceptions and our own checks say all that it logs.
    for logger in [
        logging.getLogger(one) for one in logging.root.manager.loggerDict if one.startswith("distributed")
    ]:
        logger.setLevel(logging.CRITICAL)
    processes: list[subprocess.Popen[bytes]] = []
    found: Scheduler | None = None
    try:
        address = _address_of(name) or _started(name, root, processes)
        with warnings.catch_warnings():
            # Versions of packages that differ: the code's digest decides.
            warnings.simplefilter("ignore")
            make: Any = Client
            try:
                client = make(address, timeout=_CONNECT_S, set_as_default=False)
            except Exception as error:  # Dask raises what its transport raises
                raise UsageError(
                    f"--cluster {name}: no scheduler answers at {address}: {_told(error)}"
                ) from error
        found = Scheduler(client, name, processes)
        yield found
    finally:
        if found is not None:
            found.close()
        for process in processes:
            process.kill()
            process.wait()


def _started(name: str, root: str, processes: list[subprocess.Popen[bytes]]) -> str:
    """Start a scheduler and workers of our own, and return the scheduler's address."""
    file = os.path.join(root, "scheduler.json")
    common = ["--scheduler-file", file, "--no-dashboard"]
    processes.append(_process("scheduler", ["--host", "127.0.0.1", "--port", "0", *common], root))
    deadline = time.monotonic() + _LOCAL_S
    while True:
        # The file may be there and not be whole.
        with contextlib.suppress(UsageError):
            address = _address_of(file)
            break
        if processes[0].poll() is not None or time.monotonic() >= deadline:
            raise UsageError(f"--cluster {name}: the scheduler did not start; `dask scheduler` says why")
        time.sleep(_PAUSE_S)
    for _ in range(int(name.removeprefix(LOCAL))):
        # A nanny would start a new worker in place of one that died, and be one more process to die.
        options = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--local-directory", root]
        processes.append(_process("worker", [address, *options, "--no-dashboard"], root))
    return address


def _process(what: str, arguments: list[str], root: str) -> subprocess.Popen[bytes]:
    with starting(f"a Dask {what}"):
        return subprocess.Popen(
            [sys.executable, "-c", _PROCESS.format(start(sys.path), what, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _told(error: BaseException) -> str:
    return " ".join((str(error) or type(error).__name__).split())
