"""Many explorers on one question: deal the schedules out, add the tallies up.

Schedule i is a function of (scenario, seed, i), so the sum does not depend on how
many explorers there are. An explorer that is lost, an interrupt and a time limit
leave what was found until then.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from multiprocessing.connection import wait

from harness.explore.search_task import NO_SCHEDULE, Result, SearchTask
from harness.explore.worker_pool import DONE, FILE_BYTES_MAX, Bug, ExplorerProcess, Lost, Work, cores
from harness.model.errors import HarnessError, StoreError, WorkerDied
from harness.results.search_progress import Progress, Saver, Share, deal, joined
from harness.results.stats import Stats
from harness.system.interrupts import Interrupts
from harness.system.janitor import SessionRoot, place, shortage
from harness.system.peak_memory import peak_bytes

__all__ = ["Bug", "Coordinator"]

#: How long explorers may go on after they were told to stop.
_STOP_S = 10.0
#: How long explorers may take to stop the workers that wait.
_LEAVE_S = 1.0
#: How long a question may go on after its time limit until it has got to a schedule.
_START_S = 10.0


def _watch_nothing(_: Stats) -> None:
    """Nobody wants to know how far a question is."""


def _save_nothing(_: Progress) -> None:
    """Nobody will ever go on with a question."""


class Coordinator:
    """A set of explorers, started when first needed. Use as a context manager.

    Meanwhile SIGINT, SIGTERM and SIGHUP end the question that is being asked: at the
    first one explorers finish the schedule that they are at, a second one kills them.

    Args:
        explorers: how many.
        root: directory under which session directories are made; None for the
            best one, see `harness.system.janitor.place`.
        on: processors to use; None for all that this process may use.
        file_bytes_max: how large files may get that explorers and workers write.
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
        #: Who has found what is sought: they end by themselves, once they have run it a second time.
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
            deadline = time.monotonic() + _LEAVE_S
            for explorer in self._explorers:
                explorer.end(max(0.0, deadline - time.monotonic()))

    @property
    def root(self) -> str:
        """Where the session directories are."""
        return self._session_root.path

    @property
    def interrupted(self) -> bool:
        """Whether the user wants no more."""
        return self._interrupts.count > 0

    def pids(self) -> list[int]:
        """Process ids of the explorers."""
        return [explorer.pid for explorer in self._explorers]

    def start_ahead(self) -> None:
        """Start an explorer now: one at least will be wanted, and is up by then."""
        self._hire(1)

    def ask(
        self,
        question: SearchTask,
        progress: Callable[[Stats], None] = _watch_nothing,
        since: Progress | None = None,
        save: Callable[[Progress], None] = _save_nothing,
    ) -> Result:
        """Run a question to its end, its time limit, or the user's interrupt.

        Args:
            question: what to run.
            progress: called with the sum so far, at most ten times a second an explorer.
            since: where an earlier run left off; changed, for it goes on from there.
            save: called from time to time, and at the end, with what it takes to go on.
        """
        team = self._hire(min(self._wanted, question.schedules))
        result = Result(question, Stats() if since is None else since.tally, len(team))
        self._already = result.tally.schedules
        started = time.monotonic() - (0.0 if since is None else since.wall_s)
        deadline = time.monotonic() + question.time_limit_s if question.time_limit_s else None
        for first, left, strategy in _rounds(question, result, since):
            if self.interrupted or result.stopped or result.fault or result.settled:
                break
            team = self._hire(len(team))
            busy = self._deal(question, team, left, strategy)
            saver = Saver(save, functools.partial(self._at, result, first, strategy, started))
            self._listen(busy, result, progress, deadline, saver)
            result.settled = self._passed(result) == set(team)
            saver.now()
        result.tally.merge(Stats(peak_bytes={"harness": peak_bytes()}))
        for doubt in result.doubts:
            result.tally.doubt(NO_SCHEDULE, doubt)
        if result.settled:
            result.stopped = ""
        elif not result.complete:
            result.stopped = "interrupted" if self.interrupted else result.stopped
        result.wall_s = time.monotonic() - started
        return result

    def _deal(
        self, question: SearchTask, team: Sequence[ExplorerProcess], left: Iterable[range], strategy: str
    ) -> list[ExplorerProcess]:
        """Give a round's schedules out; who has got any."""
        self._shares = dict(zip(team, deal(left, len(team)), strict=True))
        self._finders = set()
        root = self._root_of(question)
        busy = [explorer for explorer in team if self._shares[explorer].ranges]
        for number, explorer in enumerate(busy):
            explorer.give(question.job(number, len(busy), self._shares[explorer].ranges, strategy, root))
        return busy

    def _at(self, result: Result, round_first: int, strategy: str, started: float) -> Progress:
        """What it takes to go on from here."""
        left = joined(one for share in self._shares.values() for one in share.left)
        parts = tuple((one.start, one.stop, one.step) for one in left)
        return Progress(round_first, strategy, parts, result.tally, time.monotonic() - started)

    def _root_of(self, question: SearchTask) -> str:
        """Where its session directories are made: in memory, unless lanes are told of the real files."""
        if not question.on_real_files:
            return self.root
        if not self._real_root:
            parent = place(self._asked_root, real=True)
            shared = parent == os.path.dirname(self.root)
            self._real_root = self.root if shared else self._stack.enter_context(SessionRoot(parent))
        return self._real_root

    def carry_out(self, work: Work, time_limit_s: float) -> Generator[object, None, None]:
        """Have one explorer do something else than exploring, to its end, its limit, or the user's interrupt.

        Args:
            work: what to do.
            time_limit_s: after so long it is told to stop.

        Yields:
            What the work yields.

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
                for one in self._talkative([explorer], deadline):
                    found = one.hear()
                    if found is DONE:
                        return
                    yield found
                late = time.monotonic() >= deadline
                if stopping and (late or self._interrupts.count > 1):
                    return
                if not stopping and (late or self.interrupted):
                    stopping, deadline = True, time.monotonic() + _STOP_S
                    explorer.stop()
        finally:
            if found is not DONE:
                # It may be busy still, or gone.
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
            due = deadline if stopping else self._put_off(deadline, result)
            for explorer in self._talkative(busy, due):
                if not self._hear(explorer, result):
                    busy.remove(explorer)
            progress(result.tally)
            if result.tally.schedules > self._already:
                saver.if_due()
            for explorer in self._passed(result).intersection(busy) - self._finders:
                explorer.stop()
            due = deadline if stopping else self._put_off(deadline, result)
            late = due is not None and time.monotonic() >= due
            if stopping and (late or self._interrupts.count > 1):
                self._abandon(busy, result)
                return
            if not stopping and (late or self.interrupted or result.fault):
                stopping = True
                result.stopped = "time limit" if late and not result.complete else ""
                deadline = time.monotonic() + _STOP_S
                for explorer in busy:
                    explorer.stop()

    def _passed(self, result: Result) -> set[ExplorerProcess]:
        """Explorers that have nothing more to run before the schedule that was sought.

        The lowest schedule is known when all of them have: another explorer may still be
        at one before it.
        """
        found = result.sought
        if found is None:
            return set()
        return {explorer for explorer, share in self._shares.items() if share.next > found.schedule_index}

    def _talkative(self, busy: list[ExplorerProcess], deadline: float | None) -> list[ExplorerProcess]:
        """Wait for explorers that have something to say, for the deadline or an interrupt."""
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        waitables = [one for explorer in busy for one in explorer.waitables]
        ready = wait([*waitables, self._interrupts.reading], patience)
        if self._interrupts.reading in ready:
            self._interrupts.drain()
        return [explorer for explorer in busy if any(one in ready for one in explorer.waitables)]

    def _hear(self, explorer: ExplorerProcess, result: Result) -> bool:
        """Take in what an explorer has to say; whether it works on."""
        try:
            found = explorer.hear()
        except (Lost, WorkerDied) as error:
            result.doubts.append(str(error))
            if isinstance(error, Lost):
                self._discharge(explorer)
            return False
        except HarnessError as error:
            result.fault = result.fault or self._short(self._root_of(result.question)) or error
            return False
        if found is DONE:
            return False
        assert isinstance(found, Stats), found
        short = self._short(self._root_of(result.question))
        if short is not None:
            # What these schedules showed may be the disk's doing.
            result.doubts.append(str(short))
            result.fault = result.fault or short
            return True
        result.tally.merge(found)
        self._shares[explorer].done += found.schedules
        if result.question.until in found.violations:
            self._finders.add(explorer)
        return True

    def _short(self, root: str) -> StoreError | None:
        """What to say when session directories have no room any more."""
        what = shortage(root)
        if not what:
            return None
        return StoreError(f"{root}: {what}; free some space there or give another --session-root")

    def _abandon(self, busy: list[ExplorerProcess], result: Result) -> None:
        for explorer in busy:
            self._discharge(explorer)
        if busy and not self.interrupted:
            result.doubts.append(f"an explorer did not stop within {_STOP_S:.0f} s")

    def _put_off(self, deadline: float | None, result: Result) -> float | None:
        """What is begun gets to a schedule: on a busy machine the start of workers may take all its time."""
        begun = result.tally.schedules > self._already
        return deadline if deadline is None or begun else deadline + _START_S


def _rounds(
    question: SearchTask, result: Result, since: Progress | None
) -> Iterator[tuple[int, Sequence[range], str]]:
    """Of each round that is left: its first schedule, what is left of it, and the strategy's name.

    The shares of a round are a matter of whole rounds: after one that is not, there are no more.
    """
    for indices in question.rounds():
        if since is not None and indices.start == since.round_first:
            yield indices.start, since.ranges, since.strategy
        elif since is None or indices.start > since.round_first:
            if result.tally.schedules < indices.start:
                return
            yield indices.start, (indices,), question.leaning(result.tally)
