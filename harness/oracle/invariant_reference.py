"""Load an invariant from the reference that a scenario, a fence or the command line gives."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.errors import InvariantLoadError
from harness.oracle.invariants import INVARIANTS, Check, Invariant

__all__ = ["EACH_STEP", "by_name", "is_known", "load_invariant", "register"]

#: The end of a name in a history where the check is asked after each step.
EACH_STEP = "@step"

_loaded: dict[str, Check] = {}


def load_invariant(reference: str, each_step: bool = False) -> str:
    """Load the function that a reference leads to; return the name that a history is to carry.

    Args:
        reference: a name of `INVARIANTS`, ``path/file.py:function`` or ``package.module:function``.
        each_step: whether it is asked after each step that changed the transcript.

    Raises:
        InvariantLoadError: there is no such function, or importing its module failed.
    """
    return register(reference, _registered(reference) or _function(reference), each_step)


def by_name(names: Iterable[str]) -> list[Invariant]:
    """Return the invariants that a history names.

    Raises:
        InvariantLoadError: one is neither registered nor loaded in this process; without it the history
            would pass unasked.
    """
    found = []
    for name in names:
        reference = name.removesuffix(EACH_STEP)
        check = _loaded.get(reference) or _registered(reference)
        if check is None:
            raise InvariantLoadError(
                f"{reference}: the history names this invariant, and it is not loaded; load it first, with "
                "the file or the extension that has it"
            )
        found.append(Invariant(reference, check, name.endswith(EACH_STEP)))
    return found


def is_known(reference: str) -> bool:
    """Return whether an invariant is registered, or loaded in this process."""
    return reference in _loaded or _registered(reference) is not None


def _registered(name: str) -> Check | None:
    # A reference with a colon is no name; for one, installed packages need not be searched.
    return None if ":" in name else INVARIANTS.get(name)


def register(name: str, check: Check, each_step: bool = False) -> str:
    """Have `by_name` find a function; return the name that a history is to carry."""
    _loaded[name] = check
    return f"{name}{EACH_STEP}" if each_step else name


def _function(reference: str) -> Check:
    where, _, name = reference.rpartition(":")
    if not where or not name:
        raise InvariantLoadError(
            f"{reference}: unknown invariant; expected one of {', '.join(INVARIANTS)}, path/file.py:function "
            "or package.module:function"
        )
    # Imported here because most invariants are ours.
    from harness.system.user_module import ModuleLoadError, import_user_module

    try:
        module = import_user_module(where)
    except ModuleLoadError as error:
        raise InvariantLoadError(f"{reference}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        functions = sorted(
            one for one, value in vars(module).items() if callable(value) and not one.startswith("_")
        )
        there = f"functions there: {', '.join(functions)}" if functions else "no function is defined there"
        raise InvariantLoadError(f"{reference}: the module has no function {name}; {there}")
    check: Check = found
    return check
