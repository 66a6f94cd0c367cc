"""What a person sees during and after a run: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TextIO, cast

from harness.cli.known_witnesses import Known
from harness.cli.output import emit, replay_command
from harness.cli.shrink_sink import Small
from harness.explore.search_task import ExhaustiveTask, Result, SearchTask
from harness.report.story import headline, story
from harness.results.coverage import told
from harness.results.stats import Stats
from harness.results.summary import Summary, encode, found_by, rows

__all__ = ["Display", "example", "recalled"]

_STYLES = {
    "pass": "green",
    "violation, as expected": "yellow",
    "UNEXPECTED": "bold red",
    "inconclusive": "magenta",
    "interrupted": "magenta",
    "killed": "green",
    "sound": "green",
    "SURVIVED": "bold red",
    "ACCUSED": "bold red",
}
#: Longest name in a table and beside a bar.
_NAME_MAX = 40
#: What a column takes beside its text.
_BORDER = 3
#: What a narrow terminal can do without; `--json` and wide ones have it.
_LEAST_FIRST = (
    *("steps/s", "schedules/s", "schedules", "decisions", "stuck", "other violations"),
    *("both", "p (McNemar)", "compared with"),
)
_NAMES = ("scenario", "fence")
_WORDS = ("scenario", "fence", "other violations", "caught by", "result", "compared with", "kind")


class Display:
    """Results on standard output, progress on standard error.

    Args:
        json: print one object a result and nothing else.
    """

    def __init__(self, json: bool) -> None:
        self._json = json
        self._live = not json and _watched(sys.stderr)

    @contextlib.contextmanager
    def progress(self, question: SearchTask) -> Iterator[Callable[[Stats], None]]:
        """Show how far a question is; nothing where nobody watches."""
        if not self._live:
            yield lambda _: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[found]}"),
            TimeElapsedColumn(),
        )
        with Progress(
            *columns, console=Console(file=cast("IO[str]", _Tolerant(sys.stderr))), transient=True
        ) as bar:
            what = f"{question.scenario.name} / {_brief(question.fence, _NAME_MAX)}"
            task = bar.add_task(what, total=question.schedules, found="")

            def update(tally: Stats) -> None:
                found = ", ".join(f"{kind} {count}" for kind, count in sorted(tally.violations.items()))
                bar.update(task, completed=tally.schedules, found=found)

            yield update

    def result(
        self,
        result: Result,
        summary: Summary,
        witnesses: Mapping[str, str],
        shrunk: Mapping[str, Small],
        known: Sequence[Known],
    ) -> None:
        """Show what came of one question.

        Args:
            result: what was found.
            summary: what is to be said of it.
            witnesses: path of the stored witness by kind of violation.
            shrunk: those that were made smaller.
            known: what kept witnesses show.
        """
        if self._json:
            emit(encode(summary))
            return
        lines = [f"{summary.scenario} / {summary.fence}: {_in_short(result, summary)}"]
        lines += [f"  UNEXPECTED: {reason}" for reason in summary.unexpected]
        if summary.why_inconclusive:
            lines.append(f"  INCONCLUSIVE: {summary.why_inconclusive}")
        if summary.worth is not None and not summary.violations and summary.schedules:
            lines.append(f"  {told(summary.worth)}")
        if summary.first_violation is not None:
            kind = summary.first_violation["kind"]
            lines += [f"  {line}" for line in example(result, kind, witnesses, shrunk.get(kind))]
        others = [kind for kind in shrunk if kind != (summary.first_violation or {}).get("kind")]
        lines += [
            f"  {kind.replace('_', ' ')}: {shrunk[kind].shrunk.summary_line()}\n"
            f"  {replay_command(shrunk[kind].path)}"
            for kind in others
        ]
        # Last, for what ends a result is the command to go on with.
        lines += [f"  {line}" for one in known for line in recalled(one, summary.fence)]
        emit("\n".join(lines))

    def earlier(self, summary: Summary) -> None:
        """Show a question that was finished before the run was resumed."""
        if self._json:
            emit(encode(summary))
            return
        found = ", ".join(f"{kind} in {count} schedules" for kind, count in summary.violations.items())
        lines = [
            f"{summary.scenario} / {summary.fence}: {found or 'no violation'} "
            f"({summary.schedules} schedules, finished before)"
        ]
        lines += [f"  UNEXPECTED: {reason}" for reason in summary.unexpected]
        if summary.why_inconclusive:
            lines.append(f"  INCONCLUSIVE: {summary.why_inconclusive}")
        first = summary.first_violation
        if first is not None and first["witness"]:
            witness = summary.shrunk.get(first["kind"], first)["witness"]
            lines.append(f"  {replay_command(witness)}")
        emit("\n".join(lines))

    def table(self, summaries: Sequence[Summary]) -> None:
        """The table at the end."""
        if not self._json and summaries:
            _show(rows(summaries))

    def report(self, path: str) -> None:
        """Where the page is; nothing where it could not be written."""
        if not self._json and path:
            emit(f"\nreport: {path}")

    def line(self, encoded: str) -> None:
        """One JSON object; in words it is a cell of the matrix."""
        if self._json:
            emit(encoded)

    def matrix(self, table: Sequence[Sequence[str]]) -> None:
        """The kill matrix at the end."""
        if not self._json:
            _show(table)


def _show(table: Sequence[Sequence[str]]) -> None:
    """Print a table, its head first."""
    emit(_drawn(table) if _watched(sys.stdout) else _plain(table))


def _watched(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty() and not os.environ.get("CI")


def _in_short(result: Result, summary: Summary) -> str:
    if isinstance(result.question, ExhaustiveTask):
        return _certificate(result.question, result.tally, summary)
    found = ", ".join(f"{kind} in {count} schedules" for kind, count in summary.violations.items())
    by = found_by(summary.parts)
    found += f", {by}" if by else ""
    rate = f"{summary.schedules} schedules in {summary.wall_s:.1f} s"
    if summary.stopped:
        rate += f"; stopped, {summary.stopped}, {result.question.schedules} were wanted"
    if summary.inode_reused:
        rate += f"; inode number reused in {summary.inode_reused}"
    return f"{found or 'no violation'} ({rate})"


def _certificate(question: ExhaustiveTask, tally: Stats, summary: Summary) -> str:
    """What an exhaustive search has shown, or how much of it is left."""
    bound = (
        "one of each class"
        if question.preemptions_max < 0
        else f"up to {question.preemptions_max} preemptions"
    )
    actions = f"up to {question.actions_max} rogue actions" if question.actions_max else "as drawn"
    found = ", ".join(f"{kind} in {count}" for kind, count in summary.violations.items())
    state = (
        "exhausted"
        if summary.exhausted
        else f"not exhausted, {question.programs - tally.programs} programs left"
    )
    return (
        f"{state}: {tally.schedules} schedules ({bound}; {tally.redundant} redundant) of {question.programs} "
        f"programs ({actions}): {found or 'none violates'} ({summary.wall_s:.1f} s)"
    )


def example(result: Result, kind: str, witnesses: Mapping[str, str], small: Small | None) -> list[str]:
    """The story of the first violation of a kind, and the command that replays it."""
    finding = result.tally.first[kind]
    if small is not None and small.shrunk.best is not None:
        best = small.shrunk.best
        lines = [f"{headline(best.history, best.violation)} (schedule {finding.schedule_index}, shrunk)"]
        lines += story(best.history, best.judgement, best.violation, small.witness.critical)
        lines.append(small.shrunk.summary_line())
        if small.kept:
            lines.append(f"kept: {small.kept}")
        return [*lines, replay_command(small.path)]
    history, violation = finding.history, finding.violation
    lines = [f"{headline(history, violation)} (schedule {finding.schedule_index})"]
    lines += story(history, finding.judgement, violation)
    if kind in witnesses:
        lines.append(replay_command(witnesses[kind]))
    else:
        lines.append(f"no witness is stored; seed {result.question.seed} shows it again in this schedule")
    return lines


def recalled(known: Known, fence: str) -> list[str]:
    """What a kept witness shows now; nothing where it is quiet or the run was ended."""
    if not known.violations:
        return []
    if not known.unexpected:
        return [f"known witness shows again, as expected: {', '.join(known.violations)} ({known.witness})"]
    return [f"{replay_command(known.witness)} --fence {shlex.quote(fence)}"]


def _plain(table: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n" + "\n".join(line.rstrip() for line in lines)


def _fitting(table: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The table without the columns that a narrow terminal has no room for."""
    named = [name in _NAMES for name in table[0]]
    fitting = [
        [_brief(cell, _NAME_MAX) if name else cell for cell, name in zip(row, named, strict=True)]
        for row in table
    ]
    for name in _LEAST_FIRST:
        if sum(max(map(len, column)) + _BORDER for column in zip(*fitting, strict=True)) < width:
            break
        if name in fitting[0]:
            at = fitting[0].index(name)
            fitting = [row[:at] + row[at + 1 :] for row in fitting]
    return fitting


def _brief(name: str, most: int) -> str:
    """The end of a long name: of a path that is what tells it from others."""
    return name if len(name) <= most else "..." + name[3 - most :]


def _drawn(table: Sequence[Sequence[str]]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    fitting = _fitting(table, console.width)
    drawn = Table(header_style="bold")
    for name in fitting[0]:
        drawn.add_column(name, justify="left" if name in _WORDS else "right", overflow="fold")
    for row in fitting[1:]:
        drawn.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    with console.capture() as captured:
        console.print(drawn)
    return captured.get().rstrip("\n")


def _style(cell: str) -> str:
    """Of a result, or of what begins with one."""
    return _STYLES.get(cell) or _STYLES.get(re.split("[ ,]", cell, maxsplit=1)[0], "")


class _Tolerant(io.TextIOBase):
    """A terminal that may be closed at any time: what cannot be shown is not."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only is all that is asked for
        """Of the terminal."""
        return self._stream.encoding

    def isatty(self) -> bool:
        """As the terminal was when we started."""
        return True

    def fileno(self) -> int:
        """Of the terminal."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Show some text, or not."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Show what was kept back, or not."""
        with contextlib.suppress(OSError):
            self._stream.flush()
