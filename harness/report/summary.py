"""What a result says: one object a line for scripts, one row a fence for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from harness.tally import Tally

__all__ = ["Summary", "encode", "judge_expectation", "rows"]


class Summary(msgspec.Struct, frozen=True):
    """One scenario under one fence; the fields are part of the command line's contract.

    Args:
        first_violation: ``{kind, schedule, witness}`` of the lowest schedule, or None.
        expected: whether the scenario expected exactly this.
        exhausted: whether every schedule there is was run.
        inconclusive: how many schedules ended without the truth being known.
        unexpected: in words, why `expected` is false.
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
    explorers: int
    unexpected: tuple[str, ...] = ()
    why_inconclusive: str = ""
    workers: dict[str, dict[str, int]] = {}


def encode(summary: Summary) -> str:
    """One line of JSON."""
    return msgspec.json.encode(summary).decode()


def judge_expectation(
    tally: Tally, must: Sequence[str], may: Sequence[str], complete: bool
) -> tuple[str, ...]:
    """Where a tally differs from what was expected.

    Args:
        tally: what was found.
        must: kinds that have to show.
        may: kinds that are allowed besides.
        complete: whether all schedules were run; if not, what did not show yet is no fault.

    Returns:
        One sentence a difference; empty when all is as expected.
    """
    found = {kind for kind, count in tally.violations.items() if count}
    faults = [f"{kind} was not expected" for kind in sorted(found - set(must) - set(may))]
    if complete:
        faults += [
            f"{kind} was expected and did not show in {tally.schedules} schedules"
            for kind in must
            if kind not in found
        ]
    return tuple(faults)


def rows(summaries: Sequence[Summary]) -> list[tuple[str, ...]]:
    """The table at the end of a run, its head first."""
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
    if summary.inconclusive:
        return "inconclusive"
    return "violation, as expected" if summary.violations else "pass"
