"""The summary of a result: one JSON object a line for scripts, one row of a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from harness.results.coverage import Coverage
from harness.results.paired import Comparison
from harness.results.stats import Part, Stats

__all__ = ["Summary", "encode", "found_by", "rows", "unmet", "voided_line"]


class Summary(msgspec.Struct, frozen=True):
    """One scenario under one fence; the fields are part of the command line's contract.

    Args:
        first_violation: ``{kind, schedule, witness}`` of the lowest schedule, or None.
        expected: whether the scenario expected exactly this.
        exhausted: whether every schedule there is was run.
        inconclusive: how many schedules ended without the truth being known.
        stopped: why not all schedules were run: ``time limit`` or ``interrupted``; else empty.
        histories: what all histories add up to, the same for the same seed and schedules.
        unexpected: in words, what is not as expected.
        parts: by strategy, ``{schedules, found, first, violations}``; a portfolio has several.
        why_inconclusive: why more cannot be said; empty when everything is known.
        not_exercised: what never happened, where nothing was found: then it is no pass.
        peak_bytes: the most memory that the ``harness``, any one ``explorer`` and its ``workers``
            had; a worker counts what it shares with the others.
        shrunk: by kind of violation: path of the shrunk witness, and how much smaller it is.
        worth: coverage of the search.
        known: the scenario's kept witnesses, with the violations that they show now.
        paired: of a matrix: compared with its first fence, None for that one; else unset.
        found_curve: ``(schedules, those of them that violate)`` at 1, 2, 4 ... schedules.
        decision_steps: decisions by the steps of all lanes from their begin to their end.
        decision_steps_own: the same, by the deciding lane's own steps.
        voided: runs of schedules that another program disturbed (it stopped or killed a process), and that
            were repeated; they count nowhere else.
    """

    scenario: str
    fence: str
    policy: str
    gate: str
    strategy: str
    seed: int
    schedules: int
    steps: int
    verdicts: dict[str, int]
    violations: dict[str, int]
    first_violation: dict[str, Any] | None
    expected: bool
    exhausted: bool
    inconclusive: int
    wall_s: float
    steps_per_s: float
    stuck: int
    absorbed: int
    late: int
    inode_reused: int
    repeated: int
    histories: str
    explorers: int
    stopped: str = ""
    unexpected: tuple[str, ...] = ()
    why_inconclusive: str = ""
    not_exercised: tuple[str, ...] = ()
    parts: dict[str, Part] = {}
    worth: Coverage | None = None
    workers: dict[str, dict[str, int]] = {}
    shrunk: dict[str, dict[str, Any]] = {}
    known: tuple[dict[str, Any], ...] = ()
    programs: int = 0
    redundant: int = 0
    violating: dict[str, dict[str, int]] = {}
    paired: Comparison | msgspec.UnsetType | None = msgspec.UNSET
    found_curve: tuple[tuple[int, int], ...] = ()
    decision_steps: dict[int, int] = {}
    decision_steps_own: dict[int, int] = {}
    peak_bytes: dict[str, int] = {}
    voided: int = 0

    @property
    def unsettled(self) -> str:
        """Why this is neither a pass nor a violation; empty if it is one."""
        if self.why_inconclusive or not self.not_exercised:
            return self.why_inconclusive
        return f"not exercised: {'; '.join(self.not_exercised)}"


def encode(summary: Summary) -> str:
    """Return one line of JSON."""
    return msgspec.json.encode(summary).decode()


def unmet(stats: Stats, must: Sequence[str], may: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return where statistics differ from the expectation.

    Args:
        stats: of the search.
        must: kinds that have to show.
        may: kinds that are allowed besides.

    Returns:
        Kinds that showed and should not, and kinds that should and did not.
    """
    found = {kind for kind, count in stats.violations.items() if count}
    return sorted(found - set(must) - set(may)), [kind for kind in must if kind not in found]


def found_by(parts: Mapping[str, Part]) -> str:
    """Return how many violations each strategy found, best first; empty for one strategy or no violation."""
    finders = sorted((part for part in parts.items() if part[1].found), key=lambda part: -part[1].found)
    if len(parts) <= 1 or not finders:
        return ""
    return "found by: " + ", ".join(f"{name} {part.found} of {part.schedules}" for name, part in finders)


def voided_line(count: int) -> str:
    """Return the line about runs of schedules that another program disturbed."""
    runs = "1 run of a schedule was" if count == 1 else f"{count} runs of schedules were"
    return f"{runs} disturbed from outside and repeated"


def rows(summaries: Sequence[Summary]) -> list[tuple[str, ...]]:
    """Return the table at the end of a run, its head first."""
    head = (
        "scenario", "fence", "decisions", "false pos.", "missed", "stuck", "other violations",
        "schedules", "schedules/s", "steps/s", "result",
    )  # fmt: skip
    return [head, *(_row(summary) for summary in summaries)]


def _row(summary: Summary) -> tuple[str, ...]:
    other = {
        kind: count
        for kind, count in summary.violations.items()
        if kind not in ("false_positive", "missed_takeover") and count
    }
    return (
        summary.scenario,
        summary.fence,
        str(sum(summary.verdicts.values())),
        str(summary.verdicts["false_positive"]),
        str(summary.verdicts["missed_takeover"]),
        str(summary.stuck),
        ", ".join(f"{kind} {count}" for kind, count in sorted(other.items())) or "-",
        str(summary.schedules),
        f"{summary.schedules / summary.wall_s:.0f}" if summary.wall_s else "-",
        f"{summary.steps_per_s:.0f}",
        _verdict(summary),
    )


def _verdict(summary: Summary) -> str:
    if summary.unexpected:
        return "UNEXPECTED"
    if summary.why_inconclusive:
        return "inconclusive"
    if summary.stopped == "interrupted":
        return "interrupted"
    if summary.not_exercised:
        return "not exercised"
    return "violation, as expected" if summary.violations else "pass"
