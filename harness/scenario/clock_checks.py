"""Checks of clocks that are wrong; `harness.scenario.checks` has those that concern several lanes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Final

from harness.scenario.reader import Document, Path
from harness.scenario.roles.role import ClockSettings

__all__ = ["check_clocks"]

_KEYS: Final = frozenset(field.name for field in dataclasses.fields(ClockSettings))


def check_clocks(document: Document, filesystem: Any, lanes: Iterable[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for each clock that is never wrong.

    Args:
        document: the scenario.
        filesystem: what it gives for the file system.
        lanes: its lanes, each with its place.
    """
    if isinstance(filesystem, dict):
        _check_clock(document, filesystem.get("clock"), ("filesystem", "clock"))
    for path, lane in lanes:
        _check_clock(document, lane.get("clock"), (*path, "clock"))


def _check_clock(document: Document, clock: Any, path: Path) -> None:
    """Add a fault for a clock that is never wrong, and for a time at which nothing happens to it.

    Args:
        document: the scenario.
        clock: what it gives; anything else than keys is reported elsewhere.
        path: place of it.
    """
    if not isinstance(clock, dict) or document.is_unread(path) or not clock.keys() <= _KEYS:
        return
    if not any(clock.get(key, 0) for key in ("off_ms", "back_ms")):
        message = "this clock is right; give off_ms or back_ms, or remove it"
        document.fault(document.values[path], path, message)
    elif clock.get("after_ms") and not clock.get("back_ms"):
        message = "the clock is never set back; give back_ms, or remove after_ms"
        document.fault(document.values[(*path, "after_ms")], (*path, "after_ms"), message)
