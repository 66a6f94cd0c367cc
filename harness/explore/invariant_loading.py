"""Load the invariants that a scenario, a fence and a stored history name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.model.errors import InvariantLoadError
from harness.oracle.invariant_reference import EACH_STEP, is_known, load_invariant, register
from harness.scenario import Scenario

__all__ = ["is_of_fence", "load_invariants", "load_of_history"]

_EXPECTED = "expected a reference, a function, {check: one of them, each_step: true}, or a list of these"


def load_invariants(scenario: Scenario, reference: str, fence: type[Any]) -> tuple[str, ...]:
    """Load the invariants of a scenario and those of a fence; return their names.

    Args:
        scenario: what is run.
        reference: of the fence, with which the names of its own functions begin.
        fence: the class.

    Raises:
        InvariantLoadError: one of them cannot be loaded.
    """
    names = [load_invariant(one.check, one.each_step) for one in scenario.invariants]
    return tuple(dict.fromkeys([*names, *_of_fence(reference, fence)]))


def is_of_fence(name: str, reference: str) -> bool:
    """Return whether the name of an invariant in a history is that of a function of its fence."""
    return name.startswith(f"{reference}.")


def load_of_history(names: Iterable[str], reference: str, fence: type[Any] | None) -> None:
    """Load the invariants that a history names.

    Args:
        names: as its header has them.
        reference: of its fence.
        fence: the class; None if no name is that of one of its functions.

    Raises:
        InvariantLoadError: one of them cannot be loaded, or the fence has it no more.
    """
    if fence is not None:
        _of_fence(reference, fence)
    for name in names:
        plain = name.removesuffix(EACH_STEP)
        if is_known(plain):
            continue
        if is_of_fence(name, reference):
            raise InvariantLoadError(f"{plain}: the fence {reference} has no such invariant any more")
        load_invariant(plain)


def _of_fence(reference: str, fence: type[Any]) -> list[str]:
    """Load what stands in the attribute ``invariant`` of a fence; return the names."""
    given = getattr(fence, "invariant", None)
    names: list[str] = []
    for one in given if isinstance(given, list | tuple) else (given,) if given is not None else ():
        check, each_step = one, False
        if isinstance(one, dict):
            if "check" not in one or not one.keys() <= {"check", "each_step"}:
                raise _wrong(reference, one)
            check, each_step = one["check"], bool(one.get("each_step", False))
        if isinstance(check, str):
            names.append(load_invariant(check, each_step))
        elif callable(check) and not isinstance(check, type):
            name = f"{reference}.{getattr(check, '__name__', type(check).__name__)}"
            # Two functions may have one name, as lambdas have.
            same = sum(other.removesuffix(EACH_STEP).partition("#")[0] == name for other in names)
            names.append(register(f"{name}#{same + 1}" if same else name, check, each_step))
        else:
            raise _wrong(reference, one)
    return names


def _wrong(reference: str, found: object) -> InvariantLoadError:
    return InvariantLoadError(f"{reference}: its attribute invariant has {found!r:.80}, {_EXPECTED}")
