"""Check the keys of a lane that is a program: a terminal with its keys, and markers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.scenario.keys import wrong_with
from harness.scenario.reader import Document, Path

__all__ = ["check_programs"]


def check_programs(document: Document, lanes: list[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for keys that no terminal has, and for keys of a program that do not go together."""
    for path, lane in lanes:
        if lane.get("role") != "program":
            continue
        if lane.get("operations") is not None and (wrong := _wrong_with_markers(lane)):
            document.fault(document.keys[(*path, "operations")], (*path, "operations"), wrong)
        for key in ("keys", "term") if lane.get("tty") is not True else ():
            if lane.get(key):
                message = "the program has no terminal; add tty: true, or remove the key"
                document.fault(document.keys[(*path, key)], (*path, key), message)
        keys = lane.get("keys")
        for index, item in enumerate(keys if isinstance(keys, list) else ()):
            place = (*path, "keys", index)
            if isinstance(item, str) and not document.is_unread(place) and (wrong := wrong_with(item)):
                document.fault(document.values[place], place, wrong)


def _wrong_with_markers(lane: Mapping[str, Any]) -> str:
    if lane.get("participant") is not True:
        return "this lane is a rogue, which acknowledges no line; add participant: true, or remove the key"
    if lane.get("tty") is True:
        return (
            "markers are read from the standard output, which is the terminal here; remove tty or operations"
        )
    return "acknowledges is for a program without markers; remove one" if lane.get("acknowledges") else ""
