"""The report of ``fuzz`` on each fence, hunted by one process or by all shards, and the exit status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from harness.cli.output import emit, remark
from harness.cli.status import INCONCLUSIVE, NOT_EXPECTED, OK
from harness.tools.fuzz import Figures

__all__ = ["HuntReport", "claims", "encode", "show", "status_of"]


class HuntReport(msgspec.Struct, kw_only=True):
    """Report on one fence; with ``--json`` one line.

    Args:
        fence: reference.
        policy: by which it was judged.
        seed: that decided what was drawn.
        claims_sound: whether the fence claims to be right under the policy.
        scenarios, schedules, refused, inconclusive, why_inconclusive: see `Figures`.
        violations: for each kind its files and how small they were made.
        stopped: ``interrupted``, or empty.
        wall_s: of the hunt; of the longest one where there are several.
    """

    fence: str
    policy: str
    seed: int
    claims_sound: bool
    scenarios: int
    schedules: int
    refused: int
    inconclusive: int
    why_inconclusive: str
    violations: list[dict[str, Any]]
    stopped: str
    wall_s: float


def claims(reference: str, policy: str) -> bool:
    """Return whether a registered fence claims to be right under a policy; others are not loaded."""
    import fence

    return reference in fence.FENCES and policy in fence.load(reference).sound_under


def encode(report: HuntReport) -> str:
    """Return a report as a line of JSON."""
    return msgspec.json.encode(report).decode()


def show(report: HuntReport, figures: Figures, json: bool) -> None:
    """Print a report.

    Args:
        report: of a fence.
        figures: with the reasons that the report leaves out.
        json: whether as the line that is stored.
    """
    if report.refused and figures.why_refused:
        remark(f"{report.refused} drawn scenarios were refused: {figures.why_refused}")
    if json:
        emit(encode(report))
        return
    kinds = ", ".join(found["kind"] for found in report.violations) or "no violation"
    ran = f"{report.scenarios} scenarios, {report.schedules} schedules in {report.wall_s:.1f} s"
    claim = f", though it claims to be sound under {report.policy}" if report.claims_sound else ""
    emit(f"{report.fence}: {kinds} ({ran}){claim if report.violations else ''}")
    if report.inconclusive:
        emit(f"  INCONCLUSIVE in {report.inconclusive} schedules: {report.why_inconclusive}")
        if figures.doubtful is not None:
            emit(f"  first in the scenario {msgspec.json.encode(figures.doubtful).decode()}")


def status_of(reports: Sequence[HuntReport]) -> int:
    """Return the exit status of all hunts, none of which was interrupted."""
    if any(report.violations for report in reports):
        return NOT_EXPECTED
    if any(report.inconclusive or not report.schedules for report in reports):
        return INCONCLUSIVE
    return OK
