"""Explain why the same schedule, run twice, made two histories."""

from __future__ import annotations

from harness.model.history import Event, History, Invoke, Return, Step

__all__ = ["difference"]

_SHOWN_BYTES = 40
_CAUSES = (
    "does it read the time, a process id, random numbers, memory or free room in a way that the harness does "
    "not replace, or keep state over schedules?"
)
_IDS = (
    " Process ids are the machine's own here and differ: `python -m harness doctor` says why, and what to do."
)
_PAGE = " See docs/limits.md"


def difference(first: History, again: History, own_ids: bool = True) -> str:
    """Say where two runs of one schedule differ first, and what of; empty where they do not.

    Args:
        first: history of the first run.
        again: history of the second one.
        own_ids: whether processes had the same ids in both.
    """
    if first.events == again.events:
        return ""
    pairs = zip(first.events, again.events, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first.events), len(again.events)))
    one, other = (history.events[at] if at < len(history.events) else None for history in (first, again))
    what = _what(first, again, one, other)
    return f"run twice, it differs from event {at} on: {what}; {_CAUSES}{'' if own_ids else _IDS}{_PAGE}"


def _what(first: History, again: History, one: Event | None, other: Event | None) -> str:
    if isinstance(one, Step) and isinstance(other, Step) and one.lane == other.lane:
        name = _name(first, one.lane)
        if one.change is not None and other.change is not None and one.call == other.call:
            wrote = [
                _written(history, step.change.before.content, step.change.after.content)
                for history, step in ((first, one), (again, other))
                if step.change is not None
            ]
            if wrote[0] != wrote[1]:
                return f"{name} wrote other bytes ({_shown(*wrote)})"
    if isinstance(one, Return) and isinstance(other, Return) and one.detail != other.detail:
        return f"{_name(first, one.lane)} ended otherwise ({one.detail!r}, then {other.detail!r})"
    return f"{_in_words(first, one)}, then {_in_words(again, other)}"


def _written(history: History, before: str, after: str) -> bytes:
    """Return the bytes that a step put into the transcript, as far as they are known."""
    old, new = history.blobs.get(before, b""), history.blobs.get(after, b"")
    return new[_common(old, new) :]


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts begin with that are the same."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)


def _shown(one: bytes, other: bytes) -> str:
    """Show two texts from where they differ on."""
    start = max(0, _common(one, other) - _SHOWN_BYTES // 4)
    return ", then ".join(repr(text[start : start + _SHOWN_BYTES])[1:] for text in (one, other))


def _in_words(history: History, event: Event | None) -> str:
    if event is None:
        return "no further event"
    if isinstance(event, Step):
        return f"{_name(history, event.lane)} {event.call} {event.path}".rstrip()
    if isinstance(event, Invoke):
        return f"{_name(history, event.lane)} begins {event.kind}"
    if isinstance(event, Return):
        return f"{_name(history, event.lane)} ends with {event.outcome} {event.detail}".rstrip()
    return "the end"


def _name(history: History, lane: int) -> str:
    lanes = history.header.lanes
    return lanes[lane].name if 0 <= lane < len(lanes) else f"lane {lane}"
