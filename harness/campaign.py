"""Many explorers on one question: deal the schedules out, add the tallies up.

Schedule i is a function of (scenario, seed, i), so the sum does not depend on how
many explorers there are. An explorer that is lost, an interrupt and a time limit
leave what was found until then.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import wait

from harness.errors import HarnessError, StoreError, WorkerDied
from harness.interrupts import Interrupts
from harness.janitor import SessionRoot, place, shortage
from harness.question import NO_SCHEDULE, Question, Result
from harness.tally import Tally
from harness.team import DONE, FILE_BYTES_MAX, Bug, ExplorerProcess, Lost, Work, cores

__all__ = ["Bug", "Campaign"]

#: How long explorers may go on after they were told to stop.
_STOP_S = 10.0
#: How long a question may go on after its time limit until it has got to a schedule.
_START_S = 10.0


def _watch_nothing(_: Tally) -> None:
    """Nobody wants to know how far a question is."""


class Campaign:
    """A set of explorers, started when first needed. Use as a context manager.

    Meanwhile SIGINT, SIGTERM and SIGHUP end the question that is being asked: at the
    first one explorers finish the schedule that they are at, a second one kills them.

    Args:
        explorers: how many.
        root: directory under which session directories are made; None for the
            best one, see `harness.janitor.place`.
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
        self._next: dict[ExplorerProcess, int] = {}  # schedule that each will run next

    def __enter__(self) -> Campaign:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._interrupts)
            stack.enter_context(self._session_root)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack:
            for explorer in self._explorers:
                explorer.end()

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

    def ask(self, question: Question, progress: Callable[[Tally], None] = _watch_nothing) -> Result:
        """Run a question to its end, its time limit, or the user's interrupt.

        Args:
            question: what to run.
            progress: called with the sum so far, at most ten times a second an explorer.
        """
        team = self._hire(min(self._wanted, question.schedules))
        result = Result(question, Tally(), len(team))
        started = time.monotonic()
        deadline = started + question.time_limit_s if question.time_limit_s else None
        for indices in question.rounds():
            if self.interrupted or result.stopped or result.fault or result.settled:
                break
            if result.tally.schedules < indices.start:
                # The shares of this round are a matter of whole rounds.
                break
            team = self._hire(len(team))
            root = self._root_of(question)
            self._next = {explorer: indices.start + number for number, explorer in enumerate(team)}
            for number, explorer in enumerate(team):
                explorer.give(question.job(number, len(team), indices, result.tally, root))
            self._listen(list(team), result, progress, deadline)
            result.settled = self._passed(result) == set(team)
        if result.settled:
            result.stopped = ""
        elif not result.complete:
            result.stopped = "interrupted" if self.interrupted else result.stopped
        result.wall_s = time.monotonic() - started
        return result

    def _root_of(self, question: Question) -> str:
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
        progress: Callable[[Tally], None],
        deadline: float | None,
    ) -> None:
        stopping = False
        while busy:
            due = deadline if stopping else _put_off(deadline, result)
            for explorer in self._talkative(busy, due):
                if not self._hear(explorer, result):
                    busy.remove(explorer)
            progress(result.tally)
            for explorer in self._passed(result).intersection(busy):
                explorer.stop()
            due = deadline if stopping else _put_off(deadline, result)
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
        return {explorer for explorer, index in self._next.items() if index > found.schedule_index}

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
            result.tally.doubt(NO_SCHEDULE, str(error))
            if isinstance(error, Lost):
                self._discharge(explorer)
            return False
        except HarnessError as error:
            result.fault = result.fault or self._short(self._root_of(result.question)) or error
            return False
        if found is DONE:
            return False
        assert isinstance(found, Tally), found
        short = self._short(self._root_of(result.question))
        if short is not None:
            # What these schedules showed may be the disk's doing.
            result.tally.doubt(NO_SCHEDULE, str(short))
            result.fault = result.fault or short
            return True
        result.tally.merge(found)
        self._next[explorer] += found.schedules * len(self._next)
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
            result.tally.doubt(NO_SCHEDULE, f"an explorer did not stop within {_STOP_S:.0f} s")


def _put_off(deadline: float | None, result: Result) -> float | None:
    """What is begun gets to a schedule: on a busy machine the start of workers may take all its time."""
    return deadline if deadline is None or result.tally.schedules else deadline + _START_S
