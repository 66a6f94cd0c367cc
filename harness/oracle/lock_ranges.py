"""Record locks on several ranges of one file, of which the fence does not say which one is its write lock."""

from __future__ import annotations

from harness.model.history import History, Step

__all__ = ["ranges_unclear"]


def ranges_unclear(history: History) -> str:
    """Return why it cannot be told which lane had the write lock; empty if it can."""
    for _, event in history.notable:
        if isinstance(event, Step) and event.lock is not None and event.lock.kind == "several":
            return (
                f"processes have record locks on several ranges of {event.path} at once, and it cannot be "
                'told which is the write lock: name its byte, as in lock_path = "{transcript}.lockf[0]"'
            )
    return ""
