"""The loop of a run: search one task after the other and hand each answer to the sinks."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence

from harness.cli.checkpoint import Checkpoint, Finished, earlier
from harness.cli.ci_sinks import CiSink
from harness.cli.html_sink import HtmlSink
from harness.cli.known_witnesses import rerun_known, with_known
from harness.cli.shrink_sink import ShrinkSink
from harness.cli.sink import Answer, Ending, Sink, Task, WriteFaults
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.cli.store_sink import VerdictSink, WitnessSink
from harness.cli.time_budget import TimeBudget
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import HarnessError, UsageError
from harness.results.search_progress import Progress
from harness.results.stats import Stats
from harness.results.store import RunFolder
from harness.results.summary import Summary

__all__ = ["SearchLoop", "Watch", "loop_for", "untouched"]

#: Shows the progress of a search as long as its context is open.
Watch = Callable[[SearchTask], contextlib.AbstractContextManager[Callable[[Stats], None]]]

_OUTCOMES = {
    OK: "as expected",
    NOT_EXPECTED: "not as expected",
    INCONCLUSIVE: "inconclusive",
    INTERRUPTED: "interrupted",
}


@contextlib.contextmanager
def _unwatched(_: SearchTask) -> Iterator[Callable[[Stats], None]]:
    yield lambda _: None


def untouched(task: SearchTask) -> Progress:
    """Return the progress of a task of which nothing was run."""
    first = next(iter(task.rounds()))
    return Progress(first.start, task.strategy, ((first.start, first.stop, first.step),), Stats(), 0.0)


class SearchLoop:
    """Searches tasks one after the other.

    Args:
        coordinator: of the explorers.
        folder: of the run.
        sinks: in the order in which they get an answer.
        faults: that sinks have noted; any makes the run inconclusive.
        budget: of time.
        watch: shows the progress of a search.
        resumable: whether the run can be resumed after an early end.
        failures_max: the run ends after so many results that are not as expected; None for no limit.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        folder: RunFolder,
        sinks: Sequence[Sink],
        faults: Sequence[WriteFaults],
        budget: TimeBudget,
        watch: Watch,
        resumable: bool,
        failures_max: int | None = None,
    ) -> None:
        self._coordinator = coordinator
        self._folder = folder
        self._sinks = sinks
        self._faults = faults
        self._budget = budget
        self._watch = watch
        self._resumable = resumable
        self._failures_max = failures_max
        self._note = ""
        self._summaries: list[Summary] = []
        #: The first task is begun even when the time is over by then.
        self._begun = False

    def run(self, tasks: Sequence[Task]) -> None:
        """Search the tasks until all are done or the user interrupts the run.

        Raises:
            FormatError: stored progress cannot be used, and no task was begun.
            UsageError: a file that the user asked for cannot be written, and no task was begun; or
                a fence or scenario cannot be used.
            HarnessError: what ended a search.
        """
        fresh = []
        for number, task in enumerate(tasks):
            # A damaged file is refused before anything runs.
            if not self._resumable or self._earlier(number, task.search) is None:
                fresh.append(task.search)
        self._coordinator.expect(fresh)
        for sink in self._sinks:
            sink.begin(tasks)
        fault = ""
        try:
            for number, task in enumerate(tasks):
                if self._coordinator.interrupted or self._has_failed_enough(number, len(tasks)):
                    return
                self._one(number, task, len(tasks) - number)
        except HarnessError as error:
            fault = str(error)
            raise
        finally:
            self._end(fault)

    def _has_failed_enough(self, asked: int, planned: int) -> bool:
        """Return whether there are as many failures as the user wants to see, and note it."""
        failures = sum(bool(summary.unexpected) for summary in self._summaries)
        if self._failures_max is None or failures < self._failures_max:
            return False
        self._note = (
            f"ended after {failures} not as expected (--max-failures); "
            f"{planned - asked} of {planned} questions were not asked"
        )
        return True

    def _one(self, number: int, task: Task, tasks_left: int) -> None:
        before = self._earlier(number, task.search) if self._resumable else None
        if isinstance(before, Finished):
            self._summaries.append(before.summary)
            for sink in self._sinks:
                sink.restore(before)
            return
        answer = self._ask(number, task, before, tasks_left)
        try:
            for sink in self._sinks:
                answer = sink.add(answer)
        finally:
            self._summaries.append(answer.summary)
        if answer.result.fault is not None:
            raise answer.result.fault

    def _earlier(self, number: int, task: SearchTask) -> Finished | Progress | None:
        """Return what an earlier run has stored of a task."""
        return earlier(self._folder, number, task)

    def _ask(self, number: int, task: Task, before: Progress | None, tasks_left: int) -> Answer:
        """Run the kept witnesses and the search; neither of them when the time is over."""
        checkpoint = Checkpoint(self._folder, number, task.search, self._resumable)
        earlier_s = 0.0 if before is None else before.wall_s
        if self._begun and self._budget.over:
            stats = Stats() if before is None else before.stats
            result = Result(task.search, stats, 0, earlier_s, "time limit")
            result.progress = before or untouched(task.search)
            return Answer(task, result, (), checkpoint, earlier_s, result.summary())
        self._begun = True
        known = rerun_known(self._coordinator, task.search, task.kept, self._budget.deadline)
        search = self._budget.limited(task.search, tasks_left)
        with self._watch(search) as progress:
            result = self._coordinator.ask(search, progress, before, checkpoint.save)
        known = [one.without_information(search, result.stats.claims) for one in known]
        if isinstance(result.fault, UsageError):
            raise result.fault
        summary = with_known(result.summary(), known)
        return Answer(task, result, known, checkpoint, earlier_s, summary)

    def _end(self, fault: str) -> None:
        page = ""
        for sink in self._sinks:
            # A fault that the sink before has noted counts.
            page = sink.end(Ending(_OUTCOMES[self.status()], fault, page, self._note)) or page

    def status(self) -> int:
        """Return the exit status of the run."""
        if self._coordinator.interrupted:
            return INTERRUPTED
        if any(summary.unexpected for summary in self._summaries):
            return NOT_EXPECTED
        if any(one.any for one in self._faults) or any(one.unsettled for one in self._summaries):
            return INCONCLUSIVE
        return OK


def loop_for(
    coordinator: Coordinator,
    arguments: argparse.Namespace,
    folder: RunFolder,
    ci: CiSink,
    *,
    before_reports: Sequence[Sink] = (),
    shown: Sequence[Sink] = (),
    watch: Watch = _unwatched,
    resumable: bool = False,
    kind: Callable[..., SearchLoop] = SearchLoop,
    may_shrink: Callable[[SearchTask], bool] = lambda _: True,
) -> SearchLoop:
    """Return the loop of `run`, with its sinks.

    Args:
        coordinator: of the explorers.
        arguments: of `run`, or of a command that has the same ones.
        folder: of the run.
        ci: collects the cases.
        before_reports: sinks that add something to the summary.
        shown: sinks that show the answers, after all others.
        watch: shows the progress of a search.
        resumable: whether the run can be resumed after an early end.
        kind: makes the loop.
        may_shrink: whether the code that a task is about may be run for shrinking.
    """
    # Shards add up to what is worth shrinking.
    shrinks = not arguments.no_shrink and arguments.shard is None
    shrink_limit_s = arguments.shrink_limit_s if shrinks else 0.0
    budget = TimeBudget(arguments.time_limit_s, shrink_limit_s)
    faults = WriteFaults()
    sinks = (
        WitnessSink(folder, faults),
        ShrinkSink(coordinator, shrink_limit_s, budget.deadline, folder, faults, arguments.keep, may_shrink),
        *before_reports,
        ci,
        HtmlSink(folder, arguments.argv, faults),
        VerdictSink(folder, faults, coordinator),
        *shown,
    )
    failures_max: int | None = getattr(arguments, "max_failures", None)
    return kind(coordinator, folder, sinks, (faults, ci.faults), budget, watch, resumable, failures_max)
