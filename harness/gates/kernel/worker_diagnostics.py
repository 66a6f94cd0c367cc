"""The reason why a schedule is inconclusive, with the last words of the adapters of its workers."""

from __future__ import annotations

from collections.abc import Iterable

from harness.gates.adapter_diagnostics import last_words
from harness.gates.kernel.lane import Worker

__all__ = ["explained"]


def explained(inconclusive: str, workers: Iterable[Worker]) -> str:
    """Return the reason, with what an external fence's adapter said last where that may be why."""
    if not inconclusive:
        return ""
    lost = [worker for worker in workers if worker.must_replace]
    # A message that was meant as one knows best; the other workers only were not done when all was over.
    said = [worker.board.diagnostics() for worker in lost if worker.board.has_error]
    words = [last_words(worker.pid, worker.board) for worker in lost] if not said else []
    return said[0] if said else "; ".join(filter(None, [inconclusive, *words]))
