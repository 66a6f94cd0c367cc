"""Lets Dask workers in: sees which have come and gone, and examines each new one before it gets a slice."""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable
from typing import Any

from harness.explore.cluster.scheduler import Scheduler
from harness.explore.cluster.seats import Seats
from harness.explore.cluster.wire import Hello, decode_hello
from harness.model.errors import HarnessError, WorkerDied
from takeover_harness import dask_worker

__all__ = ["JOIN_S", "Entrance"]

#: How long to wait for the first worker, and for another one when all are gone.
JOIN_S = 60.0
_LOOK_EVERY_S = 1.0
_MISSING = "takeover-harness is not installed there, or is of another release; pip install the same as here"


class Entrance:
    """The workers of a scheduler, as they come and go.

    Args:
        scheduler: to which they belong.
        seats: of those that are let in.
        run: name of the run.
        setup: what each host is told first.
        submit: has a worker answer a call, and returns the call's name.
        tell: tells the user why a worker that came later is refused.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        seats: Seats,
        run: str,
        setup: bytes,
        submit: Callable[[str, Callable[..., Any], tuple[Any, ...]], str],
        tell: Callable[[str], None],
    ) -> None:
        self._scheduler = scheduler
        self._seats = seats
        self._run = run
        self._setup = setup
        self._submit = submit
        self._tell = tell
        #: By name of a call: the worker, and whether our package was found there.
        self._asked: dict[str, tuple[str, bool]] = {}
        self._looked = 0.0
        self._alone_since = 0.0
        self.open = False

    @property
    def busy(self) -> bool:
        """Whether a worker is being examined."""
        return bool(self._asked)

    def look(self) -> list[str]:
        """Return the names of the slices that were lost with their worker; looks once a second.

        Raises:
            WorkerDied: the scheduler is gone, or all workers are, and no other one has come.
        """
        now = time.monotonic()
        if now < self._looked + _LOOK_EVERY_S:
            return []
        self._looked = now
        new, lost = self._seats.compare(self._scheduler.workers())
        for address in new:
            # A worker without our package would end at a call that names it.
            self._ask(address, False, pkgutil.get_data, ("takeover_harness", "dask_worker.py"))
        there = set(self._seats.addresses)
        for name in [name for name, (address, _) in self._asked.items() if address not in there]:
            del self._asked[name]
            self._scheduler.forget(name)
        if len(self._seats) or self._asked or not self.open:
            self._alone_since = now
        elif now > self._alone_since + JOIN_S:
            raise WorkerDied(f"--cluster {self._scheduler.name}: no worker has been there for {JOIN_S:.0f} s")
        return lost

    def _ask(self, address: str, found: bool, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._asked[self._submit(address, call, arguments)] = address, found

    def take(self, name: str, answer: object) -> bool:
        """Take in what a worker that is examined has answered; return whether it is such an answer."""
        if name not in self._asked:
            return False
        address, found = self._asked.pop(name)
        if found:
            hello = _hello(answer)
        elif isinstance(answer, bytes):
            self._ask(address, True, dask_worker.examine, (self._run, self._setup))
            return True
        else:
            hello = Hello("", (), (_MISSING,))
        self._seats.admit(address, hello)
        if self.open and address in self._seats.refused:
            self._tell(f"this worker gets no slice: {self._seats.refused[address]}")
        return True


def _hello(answer: object) -> Hello:
    """Return what a host says of itself; where there is none, why not."""
    if not isinstance(answer, bytes):
        why = f"no process of ours could be started there: {answer}"
    elif answer == dask_worker.LOST:
        why = "the process that was started there ended at once; the log of its Dask worker says why"
    else:
        try:
            return decode_hello(answer)
        except HarnessError as error:
            why = str(error)
    return Hello("", (), (why,))
