"""What ``run`` does with a violation after the search: it shrinks the first of each kind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.cli.output import remark
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result
from harness.model.errors import HarnessError
from harness.results.summary import Summary
from harness.results.witness import Witness

if TYPE_CHECKING:
    from harness.shrink import Shrunk

__all__ = ["Shrinker", "Small"]

#: ShrinkJob keeps to its limit by itself; it is told to stop when it does not.
_GRACE_S = 1.0
#: Share of a question's time, where that is limited, which is kept for shrinking.
_SHARE = 0.1


class Small(NamedTuple):
    """A shrunk witness, where it is stored, and where it is kept beside its scenario, if it is."""

    shrunk: Shrunk
    witness: Witness
    path: str
    kept: str

    def told(self) -> dict[str, Any]:
        """For scripts."""
        return {"witness": self.path, "kept": self.kept or None, **self.shrunk.figures()}


class Shrinker:
    """Decides what is shrunk, and has it done.

    What nobody expected always is; what was expected once for each fence and kind, since
    a run over many scenarios shows the same again and again.

    Args:
        campaign: whose explorers do it.
        limit_s: for each witness; 0 for no shrinking at all.
        deadline: of `time.monotonic`, for the whole run; None where there is none.
    """

    def __init__(self, campaign: Coordinator, limit_s: float, deadline: float | None) -> None:
        self._campaign = campaign
        self._limit_s = limit_s
        self._deadline = deadline
        self._seen: set[tuple[str, str]] = set()

    def reserve_s(self, share_s: float) -> float:
        """How much of a question's share of the time to keep."""
        return min(self._limit_s, share_s * _SHARE)

    def wants(self, result: Result, kind: str) -> bool:
        """Whether the first violation of a kind is to be shrunk."""
        question = result.question
        if not self._limit_s or question.gate != "kernel" or self._campaign.interrupted:
            return False
        expectation = question.scenario.expectation(question.fence)
        expected = kind in (*expectation.must, *expectation.may)
        if expected and (question.fence, kind) in self._seen:
            return False
        self._seen.add((question.fence, kind))
        return True

    def leave_out(self, summary: Summary) -> None:
        """Take in what was shrunk before a run was resumed."""
        self._seen.update((summary.fence, kind) for kind in summary.shrunk)

    def shrink(self, witness: Witness) -> Shrunk | None:
        """Make a witness smaller; None where nothing came of it."""
        from harness.shrink import ShrinkJob, Shrunk

        limit_s = self._limit_s
        if self._deadline is not None:
            limit_s = min(limit_s, self._deadline - time.monotonic())
        if limit_s <= 0:
            return None
        last: Shrunk | None = None
        try:
            for found in self._campaign.carry_out(ShrinkJob.of(witness, limit_s), limit_s + _GRACE_S):
                if isinstance(found, Shrunk):
                    last = found
        except HarnessError as error:
            remark(f"not shrunk any further: {error}")
        return last if last is not None and last.best is not None else None
