"""Before each search: run the witnesses again that are kept beside a scenario."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec

from harness.explore.coordinator import Coordinator
from harness.explore.search_task import SearchTask
from harness.model.errors import HarnessError, UsageError
from harness.results.summary import Summary
from harness.results.witness import Witness

__all__ = ["KnownWitness", "rerun_known", "with_known"]

#: For one witness; it takes far less, unless the fence hangs.
_LIMIT_S = 15.0


class KnownWitness(msgspec.Struct, frozen=True):
    """A kept witness that was run again under a fence.

    Args:
        witness: its path.
        kind: of the violation that it was kept for.
        shows: ``as recorded``, ``elsewhere`` or ``no``; empty when it was not run to its end.
        violations: kinds that it shows now.
        unexpected: those of them that the scenario does not expect of the fence.
        inconclusive: why the truth is not known; empty when it is.
    """

    witness: str
    kind: str
    shows: str
    violations: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    inconclusive: str = ""

    def without_information(self, task: SearchTask, claims: Sequence[str]) -> KnownWitness:
        """Return it without accusations under a policy that the fence does not claim.

        Args:
            task: the search that it belongs to.
            claims: policies under which the fence claims to be right.
        """
        left = tuple(kind for kind in self.unexpected if not task.unclaimed(kind, claims))
        return msgspec.structs.replace(self, unexpected=left)

    def reasons(self) -> list[str]:
        """Return a sentence for each kind of violation that is not as expected."""
        return [
            f"known witness shows again: {kind}" if kind == self.kind else f"known witness shows {kind}"
            for kind in self.unexpected
        ]


def rerun_known(
    coordinator: Coordinator, task: SearchTask, kept: Iterable[tuple[str, Witness]], deadline: float | None
) -> list[KnownWitness]:
    """Run kept witnesses again, in a task's scenario and under its fence.

    Args:
        coordinator: of the explorers.
        task: has scenario, fence and gate; only the kernel gate can follow a schedule.
        kept: path and witness.
        deadline: of `time.monotonic`; None where there is none.
    """
    if task.gate != "kernel":
        return []
    found = []
    for path, witness in kept:
        if coordinator.interrupted:
            break
        limit_s = _LIMIT_S if deadline is None else min(_LIMIT_S, max(0.0, deadline - time.monotonic()))
        found.append(_rerun_one(coordinator, task, path, witness, limit_s))
    return found


def _rerun_one(
    coordinator: Coordinator, task: SearchTask, path: str, witness: Witness, limit_s: float
) -> KnownWitness:
    from harness.shrink.replay import Replayed, Rerun, RerunJob

    kind = witness.claim.kind
    work = RerunJob.of(witness, task.fence, task.scenario)
    rerun: Rerun | None = None
    why = f"the known witness {path} was not over after {limit_s:.0f} s"
    try:
        for one in coordinator.carry_out(work, limit_s):
            rerun = one if isinstance(one, Rerun) else rerun
    except UsageError:
        raise
    except HarnessError as error:
        why = f"the known witness {path} came to no end: {error}"
    if rerun is None:
        return KnownWitness(path, kind, "", inconclusive="" if coordinator.interrupted else why)
    replayed = Replayed.of(witness, rerun)
    doubt = replayed.judgement.inconclusive
    doubt = doubt and f"the known witness {path}: {doubt}"
    if doubt and replayed.violation is None:
        return KnownWitness(path, kind, "", inconclusive=doubt)
    kinds = tuple(sorted({violation.kind for violation in replayed.judgement.violations}))
    unexpected = tuple(one for one in kinds if not task.expects(one))
    return KnownWitness(path, kind, replayed.shows, kinds, unexpected, doubt)


def with_known(summary: Summary, known: Sequence[KnownWitness]) -> Summary:
    """Return the summary with what the kept witnesses show."""
    reasons = [reason for one in known for reason in one.reasons()]
    doubt = next((one.inconclusive for one in known if one.inconclusive), "")
    return msgspec.structs.replace(
        summary,
        known=tuple(msgspec.to_builtins(one) for one in known),
        unexpected=(*reasons, *summary.unexpected),
        expected=summary.expected and not reasons,
        why_inconclusive=summary.why_inconclusive or doubt,
    )
