"""Shrinks the first violation of each kind after the search."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from harness.cli.checkpoint import Finished, StoredWitness
from harness.cli.output import remark
from harness.cli.sink import Answer, ShrunkWitness, Sink, WriteFaults
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import SearchTask
from harness.model.errors import HarnessError, StoreError
from harness.results import regression_corpus
from harness.results.store import RunFolder
from harness.results.witness import Witness

if TYPE_CHECKING:
    from harness.shrink import Shrunk

__all__ = ["ShrinkSink", "Shrinker"]

#: ShrinkJob keeps to its limit by itself, and then runs the story once more for its lines of code. It is told
#: to stop when it does not end, and earlier at the end of a run's time.
_GRACE_S, _GRACE_AT_END_S = 15.0, 1.0


class Shrinker:
    """Has an explorer shrink witnesses.

    Args:
        coordinator: of the explorers.
        limit_s: for each witness; 0 for no shrinking at all.
        deadline: of `time.monotonic`, for the whole run; None where there is none.
    """

    def __init__(self, coordinator: Coordinator, limit_s: float, deadline: float | None) -> None:
        self._coordinator = coordinator
        self._limit_s = limit_s
        self._deadline = deadline

    def shrink(self, witness: Witness) -> Shrunk | None:
        """Return a smaller witness, or None where nothing came of it."""
        from harness.shrink import ShrinkJob, Shrunk

        limit_s = self._limit_s
        if self._deadline is not None:
            limit_s = min(limit_s, self._deadline - time.monotonic())
        if limit_s <= 0:
            return None
        grace_s = _GRACE_S
        if self._deadline is not None:
            left_s = self._deadline - time.monotonic() - limit_s
            grace_s = min(_GRACE_S, max(_GRACE_AT_END_S, left_s))
        last: Shrunk | None = None
        try:
            for found in self._coordinator.carry_out(ShrinkJob.of(witness, limit_s), limit_s + grace_s):
                if isinstance(found, Shrunk):
                    last = found
        except HarnessError as error:
            remark(f"not shrunk any further: {error}")
        return last if last is not None and last.best is not None else None


class ShrinkSink(Sink):
    """Shrinks the stored witnesses of an answer, and stores the shrunk ones beside them.

    An unexpected violation is always shrunk. An expected one is shrunk once for each fence and kind,
    because a run over many scenarios shows the same one again and again.

    Args:
        coordinator: of the explorers.
        limit_s: for each witness; 0 for no shrinking at all.
        deadline: of `time.monotonic`, for the whole run; None where there is none.
        folder: of the run.
        faults: of its files.
        keep: whether shrunk witnesses are kept beside their scenario.
        may_shrink: whether the code that a task is about may be run.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        limit_s: float,
        deadline: float | None,
        folder: RunFolder,
        faults: WriteFaults,
        keep: bool,
        may_shrink: Callable[[SearchTask], bool] = lambda _: True,
    ) -> None:
        self._coordinator = coordinator
        self._limit_s = limit_s
        self._shrinker = Shrinker(coordinator, limit_s, deadline)
        self._folder = folder
        self._faults = faults
        self._keep = keep
        self._may_shrink = may_shrink
        self._seen: set[tuple[str, str]] = set()

    def add(self, answer: Answer) -> Answer:
        """Shrink what is worth it; a witness that does not become smaller is left out."""
        shrunk = {}
        for kind, stored in answer.witnesses.items():
            one = self._one(answer, kind, stored) if self._wants(answer, kind) else None
            if one is not None:
                shrunk[kind] = one
        summary = msgspec.structs.replace(
            answer.summary, shrunk={kind: one.as_data() for kind, one in shrunk.items()}
        )
        return msgspec.structs.replace(answer, shrunk=shrunk, summary=summary)

    def _wants(self, answer: Answer, kind: str) -> bool:
        task = answer.task.search
        if not self._limit_s or task.gate != "kernel" or self._coordinator.interrupted:
            return False
        if not answer.result.accuses(kind) and (task.fence, kind) in self._seen:
            return False
        if not self._may_shrink(task):
            return False
        self._seen.add((task.fence, kind))
        return True

    def _one(self, answer: Answer, kind: str, stored: StoredWitness) -> ShrunkWitness | None:
        shrunk = self._shrinker.shrink(stored.witness)
        if shrunk is None:
            return None
        witness = shrunk.witness(stored.witness)
        try:
            path = self._folder.shrunk(answer.checkpoint.name(kind), witness)
            kept = regression_corpus.keep(answer.task.file, witness) if self._keep else ""
        except StoreError as error:
            self._faults.note(error)
            return None
        return ShrunkWitness(shrunk, witness, path, kept)

    def restore(self, finished: Finished) -> None:
        """Take in what was shrunk before the run was resumed."""
        summary = finished.summary
        self._seen.update((summary.fence, kind) for kind in summary.shrunk)
