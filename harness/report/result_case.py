"""Describe one scenario under one fence for other programs: JUnit, GitHub, pytest, a pull request.

The summary decides the result; a case adds its place in the scenario file and its story.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.results.summary import Summary

__all__ = ["Case", "cell", "grid"]

_FIRST = ("false_positive", "missed_takeover", "stuck")
_SHORT = {"false_positive": "false pos.", "missed_takeover": "missed"}


class Case(msgspec.Struct, frozen=True):
    """The result of one scenario under one fence.

    Args:
        file: the scenario file, as the user named it.
        line: 1-based line at which the scenario states its expectation of the fence.
        fence: reference of the fence.
        summary: the figures; None if it was not run.
        text: the story of an unexpected violation and the command that replays it; empty if there is
            none.
    """

    file: str
    line: int
    fence: str
    summary: Summary | None = None
    text: str = ""

    @property
    def failure(self) -> str:
        """Return the unexpected results in one line; empty if all were expected."""
        return "" if self.summary is None else "; ".join(self.summary.unexpected)

    @property
    def error(self) -> str:
        """Return why the result is unknown; empty if it is known."""
        if self.summary is None:
            return "not run: the run ended before its turn"
        if self.failure:
            return ""
        if self.summary.stopped == "interrupted":
            return f"inconclusive: interrupted after {self.summary.schedules} schedules"
        why = self.summary.unsettled
        if not self.summary.why_inconclusive:
            return why
        return f"inconclusive: {why}"


def cell(summary: Summary) -> str:
    """Return a result in a few words: violations, counts, and whether they were expected."""
    counts = {kind: summary.verdicts.get(kind, 0) or count for kind, count in summary.violations.items()}
    counts["stuck"] = summary.stuck
    ordered = sorted(counts, key=lambda kind: (kind not in _FIRST, kind))
    found = ", ".join(
        f"{_SHORT.get(kind, kind.replace('_', ' '))} {counts[kind]}" for kind in ordered if counts[kind]
    )
    if summary.unexpected:
        return f"UNEXPECTED {found}".rstrip() if found else "UNEXPECTED nothing found"
    if summary.unsettled or summary.stopped == "interrupted":
        word = "inconclusive" if summary.why_inconclusive else "interrupted"
        word = "not exercised" if summary.not_exercised and word == "interrupted" else word
        return f"{word}, {found}" if found else word
    return f"information, {found}" if summary.information else found or "pass"


def grid(summaries: Sequence[Summary]) -> list[tuple[str, ...]]:
    """Return a table of scenarios by fences, the head first; a dash marks pairs that were not run."""
    fences = list(dict.fromkeys(summary.fence for summary in summaries))
    lines: list[tuple[str, dict[str, str]]] = []
    for summary in summaries:
        # Two folders may have a scenario of the same name; these get one line each.
        if not lines or lines[-1][0] != summary.scenario or summary.fence in lines[-1][1]:
            lines.append((summary.scenario, {}))
        lines[-1][1][summary.fence] = cell(summary)
    return [
        ("scenario", *fences),
        *((name, *(cells.get(fence, "-") for fence in fences)) for name, cells in lines),
    ]
