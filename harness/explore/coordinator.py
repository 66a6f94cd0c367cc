"""Several explorers on one search task: deal the schedules out and add the statistics up.

Schedule i is a function of (scenario, seed, i), so the sum does not depend on the number of
explorers. Modules for tasks and statistics are imported when the first task is asked, so that an explorer
can start before. When an explorer is lost, at an interrupt and at a time limit, the result is what was
found until then.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from harness.explore.worker_pool import DONE, FILE_BYTES_MAX, Bug, ExplorerProcess, Lost, Work, cores
from harness.model.errors import HarnessError, Shortage, StoreError, WorkerDied
from harness.system.interrupts import Interrupts
from harness.system.janitor import SessionRoot, place, shortage
from harness.system.peak_memory import peak_bytes

if TYPE_CHECKING:
    from harness.explore.rounds import Round
    from harness.explore.search_task import Result, SearchTask
    from harness.results.search_progress import Progress, Saver, Share
    from harness.results.stats import Stats

__all__ = ["STOP_S", "Bug", "Coordinator"]

#: How long explorers may go on after they were asked to stop.
STOP_S = 10.0
#: How long explorers may take to stop their waiting workers.
_EXIT_S = 1.0
#: How long after its time limit a search may go on until its first schedule ends.
_FIRST_SCHEDULE_S = 10.0


def _watch_nothing(_: Stats) -> None:
    """Discard the progress: the caller did not ask for it."""


def _save_nothing(_: Progress) -> None:
    """Store no progress: the caller cannot resume the search."""


class Coordinator:
    """Owns a set of explorers, each started when it is first needed. Use as a context manager.

    Within the context SIGINT, SIGTERM and SIGHUP end the search that is running: at the
    first signal explorers finish their current schedule, the second one kills them.

    Args:
        explorers: how many.
        root: directory under which session directories are made; None for the
            best one, see `harness.system.janitor.place`.
        on: processors to use; None for all that this process may use.
        file_bytes_max: limit for the size of files that explorers and workers write.
    """

    def __init__(
        self,
        explorers: int,
        root: str | None = None,
        on: Sequence[int] | None = None,
        file_bytes_max: int = FILE_BYTES_MAX,
    ) -> None:
        self._wanted = explorers
        self._on = on
        self._file_bytes_max = file_bytes_max
        self._asked_root = root
        self._session_root = SessionRoot(place(root, real=False))
        self._real_root = ""
        self._interrupts = Interrupts()
        self._explorers: list[ExplorerProcess] = []
        self._shares: dict[ExplorerProcess, Share] = {}  # of the round
        #: Explorers that found what is sought: they end by themselves, after a second run of that schedule.
        self._finders: set[ExplorerProcess] = set()

    def __enter__(self) -> Coordinator:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._interrupts)
            stack.enter_context(self._session_root)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            for explorer in self._explorers:
                explorer.dismiss()
            deadline = time.monotonic() + _EXIT_S
            for explorer in self._explorers:
                explorer.end(max(0.0, deadline - time.monotonic()))

    @property
    def root(self) -> str:
        """Directory of the session directories."""
        return self._session_root.path

    @property
    def interrupted(self) -> bool:
        """Return whether the user has asked to stop."""
        return self._interrupts.count > 0

    def pids(self) -> list[int]:
        """Return the process ids of the explorers."""
        return [explorer.pid for explorer in self._explorers]

    def start_ahead(self) -> None:
        """Start one explorer now, so that it is up when the first search begins."""
        self._hire(1)

    def expect(self, tasks: Sequence[SearchTask]) -> None:
        """Take in what will be asked, in this order; here each is begun when it is asked."""

    def ask(
        self,
        task: SearchTask,
        progress: Callable[[Stats], None] = _watch_nothing,
        since: Progress | None = None,
        save: Callable[[Progress], None] = _save_nothing,
    ) -> Result:
        """Run a search task to its end, its time limit, or the user's interrupt.

        Args:
            task: what to run.
            progress: called with the sum so far, at most ten times a second an explorer.
            since: progress of an earlier run to go on from; its statistics are added to.
            save: called from time to time, and at the end, with the progress so far.
        """
        from harness.explore.rounds import rounds
        from harness.explore.search_task import NO_SCHEDULE, Result
        from harness.results.search_progress import Saver
        from harness.results.stats import Stats

        result = Result(task, Stats() if since is None else since.stats, self._prepare(task))
        self._already = result.stats.schedules
        started = time.monotonic() - (0.0 if since is None else since.wall_s)
        deadline = time.monotonic() + task.time_limit_s if task.time_limit_s else None
        for one in rounds(task, result, since):
            if self.interrupted or result.stopped or result.fault or result.settled:
                break
            state = functools.partial(one.progress, self._left, result.stats, started)
            saver = Saver(save, state)
            self._run_round(one, result, progress, deadline, saver)
            saver.now()
            result.progress = state()
        result.stats.merge(Stats(peak_bytes={"harness": peak_bytes()}))
        if result.doubts and result.progress is not None:
            result.progress.stats = copy.deepcopy(result.stats)
        for doubt in result.doubts:
            result.stats.doubt(NO_SCHEDULE, doubt)
        # A limit that comes with the last schedules stops nothing: those that run are finished.
        if result.complete:
            result.stopped = ""
        elif self.interrupted:
            result.stopped = "interrupted"
        result.wall_s = time.monotonic() - started
        return result

    def _prepare(self, task: SearchTask) -> int:
        """Start what will run a task, and return how many run it at a time."""
        return len(self._hire(min(self._wanted, task.count)))

    def _run_round(
        self,
        one: Round,
        result: Result,
        progress: Callable[[Stats], None],
        deadline: float | None,
        saver: Saver,
    ) -> None:
        """Run the schedules that are left of a round, and add what they show to the result."""
        team = self._hire(result.explorers)
        busy = self._deal(result.task, team, one.left, one.strategy)
        self._listen(busy, result, progress, deadline, saver)
        result.settled = self._passed(result) == set(team)

    def _deal(
        self, task: SearchTask, team: Sequence[ExplorerProcess], left: Iterable[range], strategy: str
    ) -> list[ExplorerProcess]:
        """Deal a round's schedules out, and return the explorers that got any."""
        self._shares = dict(zip(team, task.deal(left, len(team), strategy), strict=True))
        self._finders = set()
        root = self._root_of(task)
        busy = [explorer for explorer in team if self._shares[explorer].ranges]
        for number, explorer in enumerate(busy):
            explorer.give(task.work_item(number, len(busy), self._shares[explorer].ranges, strategy, root))
        return busy

    def _left(self) -> Iterable[range]:
        """Return the schedules of the round that have not been run."""
        return (one for share in self._shares.values() for one in share.left)

    def _root_of(self, task: SearchTask) -> str:
        """Return where session directories are made: in memory, unless lanes see the real files."""
        if not task.on_real_files:
            return self.root
        if not self._real_root:
            parent = place(self._asked_root, real=True)
            shared = parent == os.path.dirname(self.root)
            self._real_root = self.root if shared else self._stack.enter_context(SessionRoot(parent))
        return self._real_root

    def carry_out(self, work: Work, time_limit_s: float) -> Generator[object, None, None]:
        """Run other work than a search in one explorer, to its end, its limit, or the user's interrupt.

        Args:
            work: what to do.
            time_limit_s: after so long the explorer is asked to stop.

        Yields:
            The results of the work.

        Raises:
            HarnessError: what ended the work.
        """
        if self.interrupted:
            return
        (explorer,) = self._hire(1)
        explorer.give(work)
        deadline, stopping = time.monotonic() + time_limit_s, False
        found: object = None
        try:
            while True:
                for one in self._ready([explorer], deadline):
                    found = one.receive()
                    if found is DONE:
                        return
                    yield found
                late = time.monotonic() >= deadline
                if stopping and (late or self._interrupts.count > 1):
                    return
                if not stopping and (late or self.interrupted):
                    stopping, deadline = True, time.monotonic() + STOP_S
                    explorer.stop()
        finally:
            if found is not DONE:
                # It may still be busy, or gone.
                self._discharge(explorer)

    def _hire(self, count: int) -> list[ExplorerProcess]:
        for explorer in [explorer for explorer in self._explorers if not explorer.alive]:
            self._discharge(explorer)
        while len(self._explorers) < count:
            taken = Counter(explorer.core for explorer in self._explorers)
            core = min(self._on or cores(), key=taken.__getitem__)
            self._explorers.append(ExplorerProcess(core, self._session_root.path, self._file_bytes_max))
        return self._explorers[:count]

    def _discharge(self, explorer: ExplorerProcess) -> None:
        self._explorers.remove(explorer)
        explorer.end()

    def _listen(
        self,
        busy: list[ExplorerProcess],
        result: Result,
        progress: Callable[[Stats], None],
        deadline: float | None,
        saver: Saver,
    ) -> None:
        stopping = False
        while busy:
            due = deadline if stopping else self._extended(deadline, result)
            for explorer in self._ready(busy, due):
                if not self._receive(explorer, result):
                    busy.remove(explorer)
            progress(result.stats)
            if result.stats.schedules > self._already:
                saver.if_due()
            for explorer in self._passed(result).intersection(busy) - self._finders:
                explorer.stop()
            due = deadline if stopping else self._extended(deadline, result)
            late = due is not None and time.monotonic() >= due
            if stopping and (late or self._interrupts.count > 1):
                self._abandon(busy, result)
                return
            if not stopping and (late or self.interrupted or result.fault):
                stopping = True
                result.stopped = "time limit" if late and not result.complete else ""
                deadline = time.monotonic() + STOP_S
                for explorer in busy:
                    explorer.stop()

    def _passed(self, result: Result) -> set[ExplorerProcess]:
        """Return the explorers that have run all their schedules before the lowest one found.

        Only when all explorers are among them is it the lowest one of the whole search.
        """
        found = result.sought
        if found is None:
            return set()
        return {explorer for explorer, share in self._shares.items() if share.next > found.schedule_index}

    def _ready(self, busy: list[ExplorerProcess], deadline: float | None) -> list[ExplorerProcess]:
        """Wait for a message, the deadline or an interrupt, and return the explorers with a message."""
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        waitables = [one for explorer in busy for one in explorer.waitables]
        ready = wait([*waitables, self._interrupts.reading, *self._woken_by()], patience)
        if self._interrupts.reading in ready:
            self._interrupts.drain()
        self._wake()
        return [explorer for explorer in busy if any(one in ready for one in explorer.waitables)]

    def _woken_by(self) -> Sequence[Any]:
        """Return what else ends a wait for explorers; nothing here."""
        return ()

    def _wake(self) -> None:
        """Look after what ended a wait; nothing here."""

    def _receive(self, explorer: ExplorerProcess, result: Result) -> bool:
        """Add an explorer's message to the result, and return whether the explorer goes on."""
        from harness.results.stats import Stats

        try:
            found = explorer.receive()
        except (Shortage, WorkerDied) as error:
            result.doubts.append(str(error))
            if isinstance(error, Shortage):
                # It would be met again.
                result.fault = result.fault or error
            if isinstance(error, Lost) or not explorer.alive:
                self._discharge(explorer)
            return False
        except HarnessError as error:
            result.fault = result.fault or self._short(self._root_of(result.task)) or error
            return False
        if found is DONE:
            return False
        assert isinstance(found, Stats), found
        short = self._short(self._root_of(result.task))
        if short is not None:
            # A full disk may be the cause of what these schedules showed.
            result.doubts.append(str(short))
            result.fault = result.fault or short
            return True
        result.stats.merge(found)
        self._shares[explorer].done += found.schedules
        if result.task.until in found.violations:
            self._finders.add(explorer)
        return True

    def _short(self, root: str) -> StoreError | None:
        """Return an error when session directories have too little room, else None."""
        what = shortage(root)
        if not what:
            return None
        return StoreError(f"{root}: {what}; free some space there or give another --session-root")

    def _abandon(self, busy: list[ExplorerProcess], result: Result) -> None:
        for explorer in busy:
            self._discharge(explorer)
        if busy and not self.interrupted:
            result.doubts.append(f"an explorer did not stop within {STOP_S:.0f} s")

    def _extended(self, deadline: float | None, result: Result) -> float | None:
        """Extend the deadline until the first schedule ends.

        On a busy machine the start of the workers alone may take the whole time.
        """
        begun = result.stats.schedules > self._already
        return deadline if deadline is None or begun else deadline + _FIRST_SCHEDULE_S
