"""Write the comparison of runs over time for people: the changes first, then a table of all violations."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.trend import Change, Seen, Trend

__all__ = ["RUNS_MAX", "change_lines", "trend_rows"]

#: Columns of the table; `--json` has all runs.
RUNS_MAX = 8
_STATES = {"not": "-", "unknown": "?", "not asked": ""}


def change_lines(trend: Trend) -> list[str]:
    """Return a line for each violation that appeared or went, the earliest first."""
    return [_line(trend, change) for change in trend.changes]


def _line(trend: Trend, change: Change) -> str:
    began, before = trend.runs[change.run][1], trend.runs[change.before][1]
    now = change.now
    if change.what == "appeared":
        first = f", the first after {now.to_first}" if now.to_first is not None else ""
        told = f"in {now.violating} of {now.schedules} schedules{first}; not on {before}"
    else:
        told = f"not in {now.schedules} schedules; there on {before}"
    return f"{began}  {change.what:<8}  {change.scenario} / {change.fence}: {change.kind} {told}"


def trend_rows(trend: Trend) -> list[tuple[str, ...]]:
    """Return the table, its head first: a column for each of the last runs.

    A cell is the number of schedules up to the first that shows the violation; ``yes`` where that is not
    stored, ``-`` where it does not show, ``?`` where that is not known, empty where it was not asked.
    """
    runs = trend.runs[-RUNS_MAX:]
    head = ("scenario", "fence", "violation", *(began[5:] for _, began in runs))
    return [head, *(_row(*one) for one in trend.violations)]


def _row(scenario: str, fence: str, kind: str, seen: Sequence[Seen]) -> tuple[str, ...]:
    return (scenario, fence, kind, *(_cell(one) for one in seen[-RUNS_MAX:]))


def _cell(seen: Seen) -> str:
    if seen.state == "shows":
        return "yes" if seen.to_first is None else str(seen.to_first)
    return _STATES[seen.state]
