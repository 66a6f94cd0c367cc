"""Shows the answers of a run on standard output: for people, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.cli.answer_story import known_lines, story_lines
from harness.cli.brief_lines import FAILURES, brief_lines, count_line, restored_lines
from harness.cli.checkpoint import Finished
from harness.cli.display import Display
from harness.cli.output import emit, remark, replay_command
from harness.cli.sink import Answer, Ending, Sink, Task
from harness.explore.search_task import ExhaustiveTask
from harness.results.coverage import coverage_line
from harness.results.stats import Stats
from harness.results.summary import Summary, encode, found_by, information_lines, rows, voided_line

__all__ = ["Telling", "TerminalSink"]

#: A run of at most so many questions tells the stories without being asked to.
_STORIES_MAX = 4
#: Shards or machines that are named with what they ran.
_RAN_MAX = 4


class Telling(NamedTuple):
    """The amount of output.

    Args:
        quiet: failures alone, and no table.
        verbose: the story of the first violation of each question.
        only_failures: nothing of what is as expected, in lines, table and JSON.
    """

    quiet: bool = False
    verbose: bool = False
    only_failures: bool = False


_AT_LENGTH = Telling(verbose=True)


class TerminalSink(Sink):
    """Shows each answer as it comes, and a table at the end.

    Args:
        display: draws the table; tells whether JSON is wanted.
        telling: how much is shown.
        options: of each search, for the command that searches once more.
    """

    def __init__(self, display: Display, telling: Telling = _AT_LENGTH, options: Sequence[str] = ()) -> None:
        self.display = display
        self.json = display.json
        self._telling = telling
        self._options = options
        self._brief = not telling.verbose
        self._summaries: list[Summary] = []

    def begin(self, tasks: Sequence[Task]) -> None:
        """Decide whether stories are told: in a run of few questions, unless it is to be quiet."""
        few = len(tasks) <= _STORIES_MAX and not self._telling.quiet
        self._brief = not (self._telling.verbose or few)

    def add(self, answer: Answer) -> Answer:
        """Show an answer."""
        self._summaries.append(answer.summary)
        if self._shows(answer.summary):
            self.show(answer)
        return answer

    def _shows(self, summary: Summary) -> bool:
        """Return whether a result is shown when it comes; with ``-q`` a pass is not."""
        hidden = self._telling.only_failures or (self._telling.quiet and not self.json)
        return not hidden or summary.result in FAILURES

    def show(self, answer: Answer) -> None:
        """Print one JSON object, a line, or the story of the first violation with its command."""
        summary = answer.summary
        if self.json:
            emit(encode(summary))
            return
        if self._brief:
            emit("\n".join(brief_lines(answer, self._options)))
            return
        lines = [f"{summary.scenario} / {summary.fence}: {_in_short(answer)}", *_reasons(summary)]
        if summary.worth is not None and not summary.violations and summary.schedules:
            lines.append(f"  {coverage_line(summary.worth)}")
        first = None if summary.first_violation is None else summary.first_violation["kind"]
        if first is not None:
            lines += [f"  {line}" for line in story_lines(answer, first)]
        lines += [
            f"  {kind.replace('_', ' ')}: {small.shrunk.summary_line()}\n  {replay_command(small.path)}"
            for kind, small in answer.shrunk.items()
            if kind != first
        ]
        # The last line of an answer is the command to go on with.
        lines += [f"  {line}" for one in answer.known for line in known_lines(one, summary.fence)]
        emit("\n".join(lines))

    def restore(self, finished: Finished) -> None:
        """Show a task that was finished before the run was resumed."""
        summary = finished.summary
        self._summaries.append(summary)
        if not self._shows(summary):
            return
        if self.json:
            emit(encode(summary))
            return
        if self._brief:
            emit("\n".join(restored_lines(finished)))
            return
        found = ", ".join(f"{kind} in {count} schedules" for kind, count in summary.violations.items())
        lines = [
            f"{summary.scenario} / {summary.fence}: {found or 'no violation'} "
            f"({summary.schedules} schedules, finished before)",
            *_reasons(summary),
        ]
        first = summary.first_violation
        if first is not None and first["witness"]:
            witness = summary.shrunk.get(first["kind"], first)["witness"]
            lines.append(f"  {replay_command(witness)}")
        emit("\n".join(lines))

    def end(self, ending: Ending) -> str:
        """Show the table, the counts of a run of many, and the path of the page."""
        if ending.note:
            remark(ending.note)
        quiet = self._telling.quiet
        shown = [one for one in self._summaries if not self._telling.only_failures or one.result in FAILURES]
        if shown and not quiet:
            self.show_tables(shown)
        if self.json:
            return ""
        gap = "" if quiet else "\n"
        if self._brief or self._telling.only_failures:
            emit(f"{gap}{count_line(self._summaries)}")
            gap = ""
        if ending.page:
            emit(f"{gap}report: {ending.page}")
        return ""

    def show_tables(self, summaries: Sequence[Summary]) -> None:
        """Print the table at the end of a run."""
        self.display.table(rows(summaries))


def _reasons(summary: Summary) -> list[str]:
    lines = [f"  UNEXPECTED: {reason}" for reason in summary.unexpected]
    lines += [f"  INFORMATION: {reason}" for reason in information_lines(summary)]
    if summary.why_inconclusive:
        lines.append(f"  INCONCLUSIVE: {summary.why_inconclusive}")
    lines += [f"  NOT EXERCISED: {reason}" for reason in summary.not_exercised]
    if summary.voided:
        lines.append(f"  {voided_line(summary.voided)}")
    lines += [
        f"  {runner} ran schedules {numbers}" for runner, numbers in list(summary.ran.items())[:_RAN_MAX]
    ]
    if len(summary.ran) > _RAN_MAX:
        lines.append(f"  {len(summary.ran) - _RAN_MAX} more ran some, see the report")
    return lines


def _in_short(answer: Answer) -> str:
    search, summary = answer.task.search, answer.summary
    if isinstance(search, ExhaustiveTask):
        return _certificate(search, answer.result.stats, summary)
    found = ", ".join(f"{kind} in {count} schedules" for kind, count in summary.violations.items())
    by = found_by(summary.parts)
    found += f", {by}" if by else ""
    rate = f"{summary.schedules} schedules in {summary.wall_s:.1f} s"
    if summary.stopped:
        rate += f"; stopped, {summary.stopped}, {search.count} were wanted"
    if summary.inode_reused:
        rate += f"; inode number reused in {summary.inode_reused}"
    if summary.started_anew:
        rate += f"; the adapter keeps state and was started anew in {summary.started_anew}"
    return f"{found or 'no violation'} ({rate})"


def _certificate(search: ExhaustiveTask, stats: Stats, summary: Summary) -> str:
    """Return what an exhaustive search has shown, and how much of it is left."""
    bound = (
        "one of each class" if search.preemptions_max < 0 else f"up to {search.preemptions_max} preemptions"
    )
    actions = f"up to {search.actions_max} rogue actions" if search.actions_max else "as drawn"
    found = ", ".join(f"{kind} in {count}" for kind, count in summary.violations.items())
    state = (
        "exhausted"
        if summary.exhausted
        else f"not exhausted, {search.programs - stats.programs} programs left"
    )
    return (
        f"{state}: {stats.schedules} schedules ({bound}; {stats.redundant} redundant) of {search.programs} "
        f"programs ({actions}): {found or 'none violates'} ({summary.wall_s:.1f} s)"
    )
