"""Define policies: which effects are sanctioned and which are takeovers.

Three parties in OpenClaw's tracker disagree about what a takeover is, so none of
them is built into the oracle. Effects that no reader can see are no rule here:
whether something happened at all is for the oracle to say. A policy from outside is an
entry point of the group ``takeover_harness.policies``.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from annotated_types import MaxLen, MinLen, doc

from fence.registry import Registry, named
from harness.model.errors import UsageError

__all__ = ["ANSWERS", "EFFECTS", "POLICIES", "Answer", "CustomPolicy", "EffectClass", "Policy", "resolve"]

EffectClass = Literal[
    "own_append",
    "cotenant_append_same_process",
    "cotenant_append_other_process",
    "participant_rewrite_same_process",
    "participant_rewrite_other_process",
    "unlocked",
    "reclaimed",
    "same_bytes_other_file",
]
Answer = Literal["sanctioned", "takeover", "either"]

EFFECTS: Final[tuple[EffectClass, ...]] = get_args(EffectClass)
ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)


@dataclasses.dataclass(frozen=True)
class Policy:
    """One party's view of takeovers.

    Args:
        name: as in a scenario.
        about: one line, including the source of the view.
        rules: an answer for every class of effect. *either*: no verdict is counted.
    """

    name: str
    about: str
    rules: Mapping[EffectClass, Answer]

    def __post_init__(self) -> None:
        missing = [name for name in EFFECTS if name not in self.rules]
        unknown = [name for name in self.rules if name not in EFFECTS]
        wrong = [name for name in EFFECTS if self.rules.get(name, ANSWERS[0]) not in ANSWERS]
        if missing or unknown or wrong:
            parts = (("no rule for", missing), ("no such class:", unknown), ("no such answer to", wrong))
            told = "; ".join(f"{words} {', '.join(names)}" for words, names in parts if names)
            raise ValueError(f"policy {self.name}: {told}; give one of {', '.join(ANSWERS)} for each class")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CustomPolicy:
    """A policy written out in a scenario: a table of its own, or changes to a named one."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: Annotated[str, MinLen(1), MaxLen(80), doc("Name of the policy in reports.")]
    about: Annotated[str, MinLen(1), MaxLen(500), doc("Origin of this view, in a sentence.")]
    base: Annotated[
        str | None, doc("A policy of `list policies` that supplies all rules not given here.")
    ] = None
    rules: Annotated[
        dict[EffectClass, Answer],
        doc("Answer for each class of effect; without a base, every class is required."),
    ] = dataclasses.field(default_factory=dict)


def _policy(name: str, about: str, *answers: Answer) -> Policy:
    return Policy(name, about, types.MappingProxyType(dict(zip(EFFECTS, answers, strict=True))))


_BUILT_IN: Final = (
    _policy(
        "coordinated",
        "A lane with the lock may write, in any process (issue #84071).",
        *("sanctioned", "sanctioned", "sanctioned", "sanctioned", "sanctioned"),
        *("takeover", "takeover", "either"),
    ),
    _policy(
        "same-process",
        "A lane with the lock in the runner's own process may write (PR #84149).",
        *("sanctioned", "sanctioned", "takeover", "sanctioned", "takeover"),
        *("takeover", "takeover", "either"),
    ),
    _policy(
        "runner-appends",
        "The runner alone may write, and it may only append (PR #84046).",
        *("sanctioned", "takeover", "takeover", "takeover", "takeover"),
        *("takeover", "takeover", "takeover"),
    ),
)

#: Every policy by name.
POLICIES: Final[Registry[Policy]] = Registry(
    "policy",
    "takeover_harness.policies",
    {policy.name: policy for policy in _BUILT_IN},
    named(Policy),
    error=UsageError,
)


def resolve(policy: str | CustomPolicy) -> Policy:
    """Return the table for the policy that a scenario or a user names.

    Raises:
        UsageError: an unknown name, or a table with gaps and no base to fill them.
    """
    if isinstance(policy, str):
        return _named(policy)
    rules = dict(_named(policy.base).rules) if policy.base is not None else {}
    rules |= policy.rules
    missing = [effect for effect in EFFECTS if effect not in rules]
    if missing:
        raise UsageError(
            f"policy {policy.name}: no rule for {', '.join(missing)}; "
            "add them, or name a base to take them from"
        )
    return Policy(policy.name, policy.about, {effect: rules[effect] for effect in EFFECTS})


def _named(name: str) -> Policy:
    if name not in POLICIES:
        raise UsageError(
            f"policy {name!r}: unknown, expected one of {', '.join(POLICIES)}; "
            "see `python -m harness list policies`"
        )
    return POLICIES[name]
