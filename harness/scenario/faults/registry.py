"""Process faults by the key of a scenario: one file each, one line here.

A fault from outside is an entry point of the group ``takeover_harness.faults``, called as its key.
"""

from __future__ import annotations

import re
from typing import Final

from fence.registry import Registry
from harness.model.errors import UsageError
from harness.model.history import PAUSES
from harness.scenario.faults import ahead, kill, slow, stop
from harness.scenario.faults.names import CALL_FAULTS, CALLS
from harness.scenario.faults.process_fault import ProcessFault

__all__ = ["PROCESS_FAULTS", "kinds", "process_fault"]

_MEMBERS: Final = (kill.FAULT, stop.FAULT, slow.FAULT, ahead.FAULT)
_BY_NAME: Final = {fault.name: fault for fault in _MEMBERS}
#: Names of steps, other than system calls, that are no process faults, and keys of faults that are taken.
_TAKEN: Final = (*PAUSES, "run", "fail", "short", *CALLS)
#: Keys that every fault of a scenario has.
_KEYS: Final = ("lane", "operations", "call", "nth", "file", "times", *CALL_FAULTS)


def _fault(key: str, found: object) -> str:
    if not isinstance(found, ProcessFault):
        return f"is a {type(found).__name__}, expected a {ProcessFault.__name__}"
    if found.key != key:
        return f"the key of its record is {found.key!r}, expected {key!r}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", found.name):
        return f"its name is {found.name!r}, expected small letters, digits and underscores"
    if found.name in (*_TAKEN, *_BY_NAME) or key in _KEYS:
        return f"its name {found.name!r} means something else already"
    return ""


#: Every process fault by key.
PROCESS_FAULTS: Final[Registry[ProcessFault]] = Registry(
    "fault", "takeover_harness.faults", {fault.key: fault for fault in _MEMBERS}, _fault, error=UsageError
)


def process_fault(name: str) -> ProcessFault | None:
    """Return the process fault that steps of a history call by that name; None where none is known."""
    found = _BY_NAME.get(name)
    if found is None:
        found = next((fault for fault in PROCESS_FAULTS.outside.values() if fault.name == name), None)
    return found


def kinds() -> dict[str, str]:
    """Return what can go wrong: a line about each, by the key of a scenario's fault."""
    return CALL_FAULTS | {key: fault.about for key, fault in PROCESS_FAULTS.items()}
