"""What a person sees during and after a run: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from harness.campaign import Question
from harness.report.summary import Summary, rows
from harness.tally import Tally

__all__ = ["Display"]


class Display:
    """Standard output for results, standard error for what happens meanwhile.

    Args:
        quiet: print nothing but notes (`--json` prints by itself).
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty() and not os.environ.get("CI") and not quiet

    def say(self, line: str) -> None:
        """One line of the result."""
        if not self._quiet:
            print(line, flush=True)

    def note(self, line: str) -> None:
        """One line about the run, never mixed into results."""
        print(line, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def progress(self, question: Question) -> Iterator[Callable[[Tally], None]]:
        """Show how far a question is; nothing where nobody watches."""
        if not self._live:
            yield lambda _: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.console import Console

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[found]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(
                f"{question.scenario.name} / {question.fence}", total=question.schedules, found=""
            )

            def update(tally: Tally) -> None:
                found = ", ".join(f"{kind} {count}" for kind, count in sorted(tally.violations.items()))
                bar.update(task, completed=tally.schedules, found=found)

            yield update

    def table(self, summaries: Sequence[Summary]) -> None:
        """The table at the end."""
        if self._quiet or not summaries:
            return
        table = rows(summaries)
        if sys.stdout.isatty() and not os.environ.get("CI"):
            _rich_table(table)
            return
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        print()
        for row in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rich_table(table: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(header_style="bold")
    for number, name in enumerate(table[0]):
        drawn.add_column(name, justify="left" if number in (0, 1, 6, 10) else "right", overflow="fold")
    styles = {"pass": "green", "violation, as expected": "yellow", "UNEXPECTED": "bold red", "inconclusive": "magenta"}
    for row in table[1:]:
        drawn.add_row(*row[:-1], Text(row[-1], style=styles.get(row[-1], "")))
    Console().print(drawn)
