"""One scenario under one fence as other programs want to see it: JUnit, GitHub, pytest, a pull request.

What is to be said is decided in the summary; here is only where it belongs and the
story that goes with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.results.summary import Summary

__all__ = ["Case", "cell", "grid"]

_FIRST = ("false_positive", "missed_takeover", "stuck")
_SHORT = {"false_positive": "false pos.", "missed_takeover": "missed"}


class Case(msgspec.Struct, frozen=True):
    """What came of one scenario under one fence.

    Args:
        file: the scenario's, as the user named it.
        line: 1-based, where the scenario says what it expects of the fence.
        fence: reference.
        summary: None where it was not run.
        text: story of what was not expected, and the command that replays it; empty where
            everything was, or nothing can be told.
    """

    file: str
    line: int
    fence: str
    summary: Summary | None = None
    text: str = ""

    @property
    def failure(self) -> str:
        """What was not as expected, in one line; empty when everything was."""
        return "" if self.summary is None else "; ".join(self.summary.unexpected)

    @property
    def error(self) -> str:
        """Why nothing can be said; empty when something can."""
        if self.summary is None:
            return "not run: the run ended before its turn"
        if self.failure:
            return ""
        if self.summary.stopped == "interrupted":
            return f"inconclusive: interrupted after {self.summary.schedules} schedules"
        why = self.summary.why_inconclusive
        return f"inconclusive: {why}" if why else ""


def cell(summary: Summary) -> str:
    """A result in a few words: what was found, how often, and whether it was expected."""
    counts = {kind: summary.verdicts.get(kind, 0) or count for kind, count in summary.violations.items()}
    counts["stuck"] = summary.stuck
    ordered = sorted(counts, key=lambda kind: (kind not in _FIRST, kind))
    found = ", ".join(
        f"{_SHORT.get(kind, kind.replace('_', ' '))} {counts[kind]}" for kind in ordered if counts[kind]
    )
    if summary.unexpected:
        return f"UNEXPECTED {found}".rstrip() if found else "UNEXPECTED nothing found"
    if summary.why_inconclusive or summary.stopped == "interrupted":
        word = "inconclusive" if summary.why_inconclusive else "interrupted"
        return f"{word}, {found}" if found else word
    return found or "pass"


def grid(summaries: Sequence[Summary]) -> list[tuple[str, ...]]:
    """Fences by scenarios, the head first; a cell of what was not run is a dash."""
    fences = list(dict.fromkeys(summary.fence for summary in summaries))
    lines: list[tuple[str, dict[str, str]]] = []
    for summary in summaries:
        # Two folders may have a scenario of the same name: they come one after the other.
        if not lines or lines[-1][0] != summary.scenario or summary.fence in lines[-1][1]:
            lines.append((summary.scenario, {}))
        lines[-1][1][summary.fence] = cell(summary)
    return [
        ("scenario", *fences),
        *((name, *(cells.get(fence, "-") for fence in fences)) for name, cells in lines),
    ]
