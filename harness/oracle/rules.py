"""Read a policy's table of rules: which effects it allows.

`harness.model.policy` names policies and says why they differ. For the oracle a policy is only a table
from the class of an effect to ``sanctioned``, ``takeover`` or ``either``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.model.errors import FormatError
from harness.model.history import Header

__all__ = ["CLASSES", "EITHER", "SANCTIONED", "TAKEOVER", "HasRules", "Rules", "rules_of"]

SANCTIONED = "sanctioned"
TAKEOVER = "takeover"
EITHER = "either"
_ANSWERS = frozenset((SANCTIONED, TAKEOVER, EITHER))

CLASSES = (
    "own_append",
    "cotenant_append_same_process",
    "cotenant_append_other_process",
    "participant_rewrite_same_process",
    "participant_rewrite_other_process",
    "unlocked",
    "reclaimed",
    "same_bytes_other_file",
)

Rules = Mapping[Any, str]


class HasRules(Protocol):
    """An object with a table of rules, such as a policy."""

    @property
    def rules(self) -> Mapping[Any, str]:
        """Return the table: class of an effect to ``sanctioned``, ``takeover`` or ``either``."""


def rules_of(header: Header, policy: HasRules | Rules | None) -> Rules:
    """Return the table to judge by: the caller's, or else that of the history.

    Raises:
        FormatError: the table lacks a class or has an unknown answer.
    """
    if policy is None:
        rules: Rules = header.policy_rules
    elif isinstance(policy, Mapping):
        rules = policy
    else:
        rules = policy.rules
    for name in CLASSES:
        answer = rules.get(name)
        if not isinstance(answer, str) or answer not in _ANSWERS:
            raise FormatError(
                f"policy_rules.{name}: {answer!r}, expected sanctioned, takeover or either; "
                f"judge with a policy that has a rule for every class"
            )
    return rules
