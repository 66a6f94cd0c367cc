"""Define what a file of the user's says that it adds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final

from fence.registry import Registry
from harness.model.policy import POLICIES, Policy
from harness.oracle.invariants import INVARIANTS, Check
from harness.scenario.actions import ACTIONS, Action
from harness.scenario.faults import PROCESS_FAULTS, ProcessFault
from harness.scenario.roles import ROLES, Role
from harness.strategies import STRATEGIES
from harness.strategies.strategy import Strategy

__all__ = ["Extension"]

#: Registry of the members, and the attribute that has a member's name, by the field of an `Extension`.
_KINDS: Final[dict[str, tuple[Registry[Any], str]]] = {
    "roles": (ROLES, "name"),
    "actions": (ACTIONS, "name"),
    "policies": (POLICIES, "name"),
    "strategies": (STRATEGIES, "name"),
    "faults": (PROCESS_FAULTS, "key"),
    "invariants": (INVARIANTS, "__name__"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Extension:
    """The members that a file adds; each is known by its own name.

    Args:
        roles: what lanes do.
        actions: what rogues do to the transcript.
        policies: what counts as a takeover.
        strategies: classes that choose which lane goes next.
        faults: what happens to a process in place of a step.
        invariants: functions that say what is wrong with the transcript's lines.
    """

    roles: Sequence[Role[Any]] = ()
    actions: Sequence[Action] = ()
    policies: Sequence[Policy] = ()
    strategies: Sequence[type[Strategy]] = ()
    faults: Sequence[ProcessFault] = ()
    invariants: Sequence[Check] = ()

    def members(self) -> Iterator[tuple[Registry[Any], str, object]]:
        """Yield the members, each with its registry and its name.

        Raises:
            ValueError: a field is no list, or a member has no name; the text says which.
        """
        for field, (registry, attribute) in _KINDS.items():
            found = getattr(self, field)
            if not isinstance(found, list | tuple):
                raise ValueError(
                    f"{field} is a {type(found).__name__}, expected a list, as in {field}=[MINE]"
                )
            for place, member in enumerate(found):
                name = getattr(member, attribute, None)
                if not isinstance(name, str) or not name:
                    raise ValueError(
                        f"{field}[{place}] is a {type(member).__name__} without {attribute}; "
                        f"expected {_expected(registry)}"
                    )
                yield registry, name, member


def _expected(registry: Registry[Any]) -> str:
    if registry is INVARIANTS:
        return "a function with a name"
    article = "an" if registry.what[0] in "aeiou" else "a"
    return f"{article} {registry.what} as docs/extending.md has it"
