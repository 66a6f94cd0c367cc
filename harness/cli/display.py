"""Draws progress and tables: live and in colour on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TextIO, cast

from harness.cli.output import emit, escaped
from harness.explore.search_task import SearchTask
from harness.results.stats import Stats

__all__ = ["Display"]

_STYLES = {
    "pass": "green",
    "violation, as expected": "yellow",
    "information": "cyan",
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
#: Width of a column beside its text.
_BORDER = 3
#: Columns that a narrow terminal leaves out, in this order; `--json` and wide ones have them.
_LEAST_FIRST = (
    *("steps/s", "schedules/s", "schedules", "decisions", "stuck", "other violations"),
    *("both", "p (McNemar)", "compared with"),
)
_NAMES = ("scenario", "fence")
_WORDS = ("scenario", "fence", "other violations", "caught by", "result", "compared with", "kind")


class Display:
    """Draws tables on standard output and progress on standard error.

    Args:
        json: print JSON objects and nothing else.
    """

    def __init__(self, json: bool) -> None:
        self.json = json
        self._live = not json and _is_live(sys.stderr)

    @contextlib.contextmanager
    def progress(self, search: SearchTask) -> Iterator[Callable[[Stats], None]]:
        """Show the progress of a search while the context is open; nothing without a terminal."""
        if not self._live:
            yield lambda _: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[found]}"),
            TimeElapsedColumn(),
        )
        with Progress(
            *columns, console=Console(file=cast("IO[str]", _Tolerant(sys.stderr))), transient=True
        ) as bar:
            what = escaped(f"{search.scenario.name} / {_brief(search.fence, _NAME_MAX)}")
            task = bar.add_task(what, total=search.count, found="")

            def update(stats: Stats) -> None:
                found = ", ".join(f"{kind} {count}" for kind, count in sorted(stats.violations.items()))
                bar.update(task, completed=stats.schedules, found=found)

            yield update

    def line(self, encoded: str) -> None:
        """Print one JSON object; without ``--json`` nothing, because it becomes a cell of the matrix."""
        if self.json:
            emit(encoded)

    def table(self, table: Sequence[Sequence[str]]) -> None:
        """Print a table, its head first; nothing with ``--json``."""
        if not self.json:
            live = _is_live(sys.stdout)
            emit(_drawn(table) if live else _plain(table), styled=live)


def _is_live(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal, and not the log of a CI."""
    return stream is not None and stream.isatty() and not os.environ.get("CI")


def _plain(table: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n" + "\n".join(line.rstrip() for line in lines)


def _fitting(table: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """Return the table without the columns for which a narrow terminal has no room."""
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
    """Return the end of a long name, because paths differ in their end."""
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
        drawn.add_row(*(Text(escaped(cell), style=_style(cell)) for cell in row))
    with console.capture() as captured:
        console.print(drawn)
    return captured.get().rstrip("\n")


def _style(cell: str) -> str:
    """Return the style of a cell that is a result or begins with one."""
    return _STYLES.get(cell) or _STYLES.get(re.split("[ ,]", cell, maxsplit=1)[0], "")


class _Tolerant(io.TextIOBase):
    """A terminal that may be closed at any time; text that cannot be shown is discarded."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only is all that is asked for
        """Encoding of the terminal."""
        return self._stream.encoding

    def isatty(self) -> bool:
        """Return True: it was a terminal when the run began."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the terminal."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Show text if the terminal is still there."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Show buffered text if the terminal is still there."""
        with contextlib.suppress(OSError):
            self._stream.flush()
