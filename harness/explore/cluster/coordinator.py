"""One search on many machines: slices of its schedules are dealt out to Dask workers, and added up.

The rounds, the progress that is stored and the result are those of `harness.explore.coordinator`; so the sum
is that of one machine. Where the current search has no slice left to begin, free seats begin the searches
after it. Witnesses are run again and shrunk on this machine.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import wait
from typing import Any

import msgspec

from harness.explore.cluster.entrance import JOIN_S, Entrance
from harness.explore.cluster.scheduler import LOCAL, Scheduler, connected
from harness.explore.cluster.seats import Seats
from harness.explore.cluster.shipping import Shipment
from harness.explore.cluster.slices import ATTEMPTS_MAX, Slices
from harness.explore.cluster.wire import (
    Setup,
    SliceReply,
    decode_reply,
    encode,
    encode_slice,
    slice_of,
)
from harness.explore.code_digest import harness_digest, python_version
from harness.explore.coordinator import STOP_S, Coordinator
from harness.explore.rounds import Round
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import GateUnavailable, UsageError, WorkerDied
from harness.results.schedule_ranges import spelled
from harness.results.search_progress import Saver
from harness.results.stats import Stats
from harness.strategies import make
from takeover_harness import dask_worker

__all__ = ["ClusterCoordinator"]

_LOOK_EVERY_S = 1.0
_END_S = 5.0
#: How long a slice takes: with many seats longer, so that their answers come no faster than they are added.
_SLICE_S, _SLICE_MOST_S, _ANSWERS_A_SECOND = 2.0, 20.0, 100


class _Search(msgspec.Struct, eq=False):
    """A round of a task that is under way.

    Args:
        result: to which its slices are added.
        strategy: of the round.
        slices: of its schedules.
        called_off: names of slices that were told to stop.
    """

    result: Result
    strategy: str
    slices: Slices
    called_off: set[str] = msgspec.field(default_factory=set)

    @property
    def task(self) -> SearchTask:
        """The whole task."""
        return self.result.task


class ClusterCoordinator(Coordinator):
    """A coordinator whose searches run on the workers of a Dask scheduler. Use as a context manager.

    Args:
        name: of the scheduler, see `harness.explore.cluster.scheduler.check`.
        root: directory under which session directories are made, here and there; None for the best one.
        tell: tells the user something of a worker.
        connect: makes the connection.
    """

    def __init__(
        self,
        name: str,
        root: str | None = None,
        tell: Callable[[str], None] = lambda _: None,
        connect: Callable[[str, str], contextlib.AbstractContextManager[Scheduler]] = connected,
    ) -> None:
        super().__init__(1, root)
        self._name = name
        self._tell = tell
        self._connect = connect
        self._connected = False
        self._seats = Seats()
        self._run = os.urandom(8).hex()
        self._numbers = itertools.count()
        self._answers: collections.deque[tuple[str, object]] = collections.deque()
        self._searches: dict[str, _Search] = {}
        self._coming: collections.deque[SearchTask] = collections.deque()
        self._ahead: list[_Search] = []

    def __enter__(self) -> ClusterCoordinator:
        super().__enter__()
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stack.callback(os.close, self._reading)
        self._stack.callback(os.close, self._writing)
        return self

    def __exit__(self, *error: object) -> None:
        if self._connected:
            self._scheduler.tell(dask_worker.end, (self._run,), self._seats.addresses, _END_S)
        super().__exit__(*error)

    def start_ahead(self) -> None:
        """Start nothing: no search runs on this machine."""

    def admit(self, gate: str, confined: bool, shipment: Shipment) -> None:
        """Connect to the scheduler, and examine the workers that are there.

        Args:
            gate: name of the gate that each of them needs.
            confined: whether the kernel has to keep the code under test in its directory.
            shipment: the user's files.

        Raises:
            UsageError: there is no scheduler or no worker, or some of the workers cannot serve the run.
        """
        setup = encode(
            Setup(
                harness_digest(),
                python_version(),
                gate,
                confined,
                shipment.fences,
                shipment.references,
                shipment.files,
                shipment.in_place,
                self._asked_root,
            )
        )
        self._scheduler = self._stack.enter_context(self._connect(self._name, self.root))
        self._entrance = Entrance(self._scheduler, self._seats, self._run, setup, self._submit, self._tell)
        self._connected = True
        least = int(self._name.removeprefix(LOCAL)) if self._name.startswith(LOCAL) else 1
        deadline = time.monotonic() + JOIN_S
        while not self.interrupted:
            self._look()
            known = len(self._seats.addresses)
            if known >= least and not self._entrance.busy:
                break
            if known < least and time.monotonic() >= deadline:
                raise UsageError(
                    f"--cluster {self._name}: {known} Dask workers have joined the scheduler within "
                    f"{JOIN_S:.0f} s, {least} at least are needed; start `dask worker {self._name}`"
                )
            self._listen_once(None)
        if self._seats.refused:
            raise GateUnavailable(
                f"--cluster {self._name}: nothing ran, for these workers cannot serve the run:\n"
                + "\n".join(f"  {why}" for why in self._seats.refused.values())
            )
        self._entrance.open = True

    def expect(self, tasks: Sequence[SearchTask]) -> None:
        """Take in what will be asked, in this order, and may be begun ahead."""
        self._coming = collections.deque(tasks)

    def _prepare(self, task: SearchTask) -> int:
        """Return how many slices run at a time."""
        return len(self._seats)

    def _run_round(
        self,
        one: Round,
        result: Result,
        progress: Callable[[Stats], None],
        deadline: float | None,
        saver: Saver,
    ) -> None:
        """Run the schedules that are left of a round on the cluster."""
        search = self._current = self._begun(one, result)
        slices, stopping = search.slices, False
        while True:
            try:
                self._look()
            except WorkerDied as error:
                # Its workers have no one to answer to.
                result.fault = result.fault or error
                self._abandon_slices(search)
                break
            if not stopping:
                self._fill(search, deadline)
            if not slices.running and (stopping or not slices.waiting):
                break
            due = deadline if stopping else self._extended(deadline, result)
            self._listen_once(due)
            progress(result.stats)
            if result.stats.schedules > self._already:
                saver.if_due()
            now = time.monotonic()
            late = due is not None and now >= due
            if stopping and (late or self._interrupts.count > 1):
                self._abandon_slices(search)
                break
            if not stopping and (late or self.interrupted or result.fault):
                stopping, deadline = True, now + STOP_S
                result.stopped = "time limit" if late and not result.complete else ""
                self._call_off(search, list(slices.running))
        found = result.sought
        if found is not None:
            result.settled = all(left.start > found.schedule_index for left in slices.left() if left)

    def _left(self) -> list[range]:
        return list(self._current.slices.left())

    def _begun(self, one: Round, result: Result) -> _Search:
        """Return the search of a round: a new one, or the one that was begun ahead."""
        if any(task is result.task for task in self._coming):
            # The tasks before it were not asked for in the end.
            while self._coming.popleft() is not result.task:
                pass
        ahead = next((search for search in self._ahead if search.task is result.task), None)
        if ahead is None or result.stats.schedules:
            return _Search(result, one.strategy, self._slices(one.left, one.strategy))
        self._ahead.remove(ahead)
        result.stats.merge(ahead.result.stats)
        result.doubts += ahead.result.doubts
        result.fault = ahead.result.fault
        ahead.result = result
        return ahead

    def _slices(self, left: Iterable[range], strategy: str) -> Slices:
        slice_s = min(_SLICE_MOST_S, max(_SLICE_S, len(self._seats) / _ANSWERS_A_SECOND))
        return Slices(left, slice_s, make(strategy))

    def _fill(self, search: _Search, deadline: float | None) -> None:
        """Give every free seat a slice."""
        while not self.interrupted and self._give(search, deadline):
            pass
        if deadline is not None or self.interrupted:
            return
        while True:
            for ahead in self._ahead:
                while self._give(ahead, None):
                    pass
            if not self._coming or not self._seats.any_free or len(self._ahead) > 2 * len(self._seats):
                return
            task = self._coming.popleft()
            first = next(iter(task.rounds()))
            result = Result(task, Stats(), len(self._seats))
            strategy = task.strategy_after(result.stats)
            self._ahead.append(_Search(result, strategy, self._slices([first], strategy)))

    def _give(self, search: _Search, deadline: float | None) -> bool:
        """Give a slice to a free seat; return whether there were both."""
        if not self._seats.any_free or not search.slices.waiting:
            return False
        name = f"{self._run}-{next(self._numbers)}"
        seat = self._seats.take(name)
        numbers = search.slices.begin(name, len(self._seats))
        assert seat is not None and numbers is not None
        left_s = 0.0 if deadline is None else max(0.001, deadline - time.monotonic())
        known = {kind: one.schedule_index for kind, one in search.result.stats.first.items()}
        task = slice_of(search.task, search.strategy, numbers, seat.core, time_limit_s=left_s, known=known)
        self._searches[name] = search
        arguments = (self._run, seat.number, name, encode_slice(task))
        self._scheduler.submit(name, seat.address, dask_worker.run_slice, arguments, self._answered)
        return True

    def _answered(self, name: str, answer: object) -> None:
        """Take an answer in; called in a thread of Dask's."""
        self._answers.append((name, answer))
        with contextlib.suppress(OSError):
            os.write(self._writing, b"!")

    def _listen_once(self, deadline: float | None) -> None:
        """Wait for an answer, a second, the deadline or an interrupt, and take in what has come."""
        patience = _LOOK_EVERY_S if deadline is None else min(_LOOK_EVERY_S, deadline - time.monotonic())
        if self._interrupts.reading in wait([self._reading, self._interrupts.reading], max(0.0, patience)):
            self._interrupts.drain()
        with contextlib.suppress(BlockingIOError):
            os.read(self._reading, 1 << 16)
        while self._answers:
            self._take(*self._answers.popleft())

    def _look(self) -> None:
        """See which workers have come and gone, once a second."""
        for name in self._entrance.look():
            self._lose(name, "the worker is gone")

    def _submit(self, address: str, call: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
        """Have a worker answer a call, and return the call's name."""
        name = f"{self._run}-{next(self._numbers)}"
        self._scheduler.submit(name, address, call, arguments, self._answered)
        return name

    def _take(self, name: str, answer: object) -> None:
        """Take the answer to a call in; one to a call that was given up counts for nothing."""
        self._scheduler.forget(name)
        if self._entrance.take(name, answer):
            return
        if name not in self._searches:
            return
        if isinstance(answer, bytes) and answer not in (dask_worker.LOST, dask_worker.UNKNOWN):
            self._add(name, decode_reply(answer))
            return
        if answer == dask_worker.UNKNOWN:
            # Another process at the same address: it is examined anew.
            for one in self._seats.remove(self._seats.address_of(name)):
                self._lose(one, "its Dask worker was started anew")
            return
        self._lose(name, "its process was killed" if answer == dask_worker.LOST else f"{answer}")
        self._seats.free(name)

    def _lose(self, name: str, why: str) -> None:
        """Have a slice run again that was lost with its machine."""
        self._scheduler.forget(name)
        search = self._searches.pop(name, None)
        if search is None:
            return
        numbers = search.slices.running[name]
        if not search.slices.lose(name):
            search.result.doubts.append(
                f"schedules {spelled([numbers])} were lost with {ATTEMPTS_MAX} workers: {why}"
            )

    def _add(self, name: str, reply: SliceReply) -> None:
        """Add what came of a slice."""
        seat = self._seats.free(name)
        search = self._searches.pop(name)
        result, left = search.result, [range(*one) for one in reply.left]
        numbers = search.slices.end(name, left, again=bool(reply.stopped))
        assert seat is not None and numbers is not None
        ran = len(numbers) - sum(map(len, left))
        result.stats.merge(reply.stats)
        if ran:
            # A host runs them in their order.
            result.stats.ran_by(seat.name, [numbers[:ran]])
            search.slices.note_speed(ran / max(reply.wall_s, 1e-6))
        result.doubts += reply.doubts
        error = reply.error
        if error is not None and result.fault is None:
            result.fault = type(error)(f"{seat.machine}: {error}")
        found = result.sought
        if found is not None:
            search.slices.drop_above(found.schedule_index)
            above = [
                one for one, which in search.slices.running.items() if which.start > found.schedule_index
            ]
            self._call_off(search, above)
        elif left and not reply.stopped:
            # An explorer was lost, or gave up a fence that hangs: the others would do no better.
            search.slices.drop_above(-1)

    def _call_off(self, search: _Search, names: Sequence[str]) -> None:
        """Tell slices to stop after their schedule."""
        new = [name for name in names if name not in search.called_off]
        search.called_off.update(new)
        for address, there in self._seats.of(new).items():
            self._scheduler.tell(dask_worker.stop, (self._run, there), [address])

    def _abandon_slices(self, search: _Search) -> None:
        """Give up the slices that run: they did not stop."""
        names = list(search.slices.running)
        for name in names:
            self._searches.pop(name)
            search.slices.end(name, [search.slices.running[name]], again=True)
            self._scheduler.forget(name)
            # The seat is not free: it is not known when its host is.
        if names and not (self.interrupted or search.result.fault):
            search.result.doubts.append(f"{len(names)} slices did not stop within {STOP_S:.0f} s")
