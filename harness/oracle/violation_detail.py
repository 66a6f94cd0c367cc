"""Tell violations of one kind apart."""

from __future__ import annotations

import re

from harness.oracle.verdict import Judgement, Violation

__all__ = ["subkind_of"]

_EXCEPTION = re.compile(r"crashed: (\w+)")


def subkind_of(judgement: Judgement, violation: Violation) -> str:
    """Return what tells a violation from others of its kind.

    Returns:
        ``absorbed`` for a missed takeover of that kind, the exception's name for a crash,
        otherwise an empty text.
    """
    if violation.kind == "crash":
        found = _EXCEPTION.search(violation.detail)
        return found[1] if found else ""
    for decision in judgement.decisions:
        if decision.at == violation.at and decision.lane == violation.lane:
            return decision.kind
    return ""
