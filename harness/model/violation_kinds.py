"""Name the kinds of violation that the oracle knows: one table for scenarios, results and reports."""

from __future__ import annotations

from typing import Final, Literal, get_args

__all__ = ["BY_POLICY", "KINDS", "Kind"]

Kind = Literal[
    "false_positive",
    "missed_takeover",
    "lost_entry",
    "altered_entry",
    "refused_write",
    "double_hold",
    "false_lock_error",
    "invariant",
    "dead_end",
    "crash",
]
#: In the order in which tables show them.
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
#: Those that depend on the policy; the others are wrong under any.
BY_POLICY: Final[frozenset[Kind]] = frozenset({"false_positive", "missed_takeover"})
