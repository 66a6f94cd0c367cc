"""Which effects the policy allows, as far as the oracle has to know.

`harness.model.policy` names policies and says why they differ; here a policy is no more
than a table from the class of an effect to what it counts as.
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
    """Anything that carries a table of rules, such as a policy."""

    @property
    def rules(self) -> Mapping[Any, str]:
        """Class of an effect to ``sanctioned``, ``takeover`` or ``either``."""


def rules_of(header: Header, policy: HasRules | Rules | None) -> Rules:
    """The table to judge by: the caller's, or else the one the history carries.

    Raises:
        FormatError: the table lacks a class or has an answer that is not known.
    """
    if policy is None:
        rules: Rules = header.policy_rules
    elif isinstance(policy, Mapping):
        rules = policy
    else:
        rules = policy.rules
    for name in CLASSES:
        answer = rules.get(name)
        if answer not in _ANSWERS:
            raise FormatError(
                f"policy_rules.{name}: {answer!r}, expected sanctioned, takeover or either; "
                f"judge with a policy that has a rule for every class"
            )
    return rules
