"""Judge whether the fence was right in one history.

The oracle reads the history and nothing else. `judge` makes one quick pass, which settles most
schedules, and asks only the questions that stay open, one file each: `effects` and `windows` say what
happened and which lane could know of it, `decisions` with `pending_effects` and `reachability` judges
each decision, `lost_entries` looks for acknowledged lines, `double_hold` and `reported_locks` check the
write lock, `handed_on` and `lock_ranges` know locks that a process keeps and locks on parts of a file,
`lock_errors` compares what a call says of the lock with what became of it, `refused_writes` and
`whole_entries` compare what a call says of its lines with what it wrote, `kept_lines` asks whether the
lines before it stayed, `cotenant_refusals` judges calls outside a turn, `wrong_loads` compares what a load
returned with the transcript, `dead_end` checks that each lane could finish, and `crash` collects
undocumented exceptions. `elsewhere` takes calls on another transcript out beforehand.
The oracle accuses a fence only of what the history proves.

The process that deals schedules out adds verdicts up and judges nothing. So what is needed to judge is
imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from harness.oracle.rules import CLASSES, HasRules, Rules
from harness.oracle.verdict import COUNTED, Decision, Judgement, Violation

if TYPE_CHECKING:
    from harness.oracle.invariants import Invariant
    from harness.oracle.judging import judge
    from harness.oracle.violation_detail import subkind_of

__all__ = [
    "CLASSES",
    "COUNTED",
    "Decision",
    "HasRules",
    "Invariant",
    "Judgement",
    "Rules",
    "Violation",
    "judge",
    "subkind_of",
]

_LATE = {
    "Invariant": "harness.oracle.invariants",
    "judge": "harness.oracle.judging",
    "subkind_of": "harness.oracle.violation_detail",
}


def __getattr__(name: str) -> object:
    """Import a module when one of its names is first used (PEP 562)."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
