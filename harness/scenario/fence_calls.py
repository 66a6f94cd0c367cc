"""Checks of a fence's class that need no run: whether its calls can be called as the harness calls them.

A call that cannot be called would crash in each schedule, and one that is a coroutine would do nothing, which
reads like a flaw of the user's check. See `fence.conformance` for what the calls do.
"""

from __future__ import annotations

import inspect
from types import FunctionType

from fence.protocol import Fence

__all__ = ["wrong_with"]

_CALLS = tuple(name for name, value in vars(Fence).items() if inspect.isfunction(value) and name[0] != "_")
#: Calls whose names are so special that a name near to one is a slip of the pen.
_SPECIAL = ("guarded_write", "release_for_prompt")
_LIKENESS_MIN = 0.9


def wrong_with(fence: type[Fence]) -> str:
    """Return what is wrong with the calls of a fence, and what to do; empty if nothing is.

    Args:
        fence: a class; no object of it is made.
    """
    for name in ("__init__", *_CALLS):
        wrong = _uncallable(fence, name)
        if wrong:
            return wrong
    return _misspelled(fence)


def _uncallable(fence: type[Fence], name: str) -> str:
    call = inspect.getattr_static(fence, name)
    if call is None or isinstance(call, str | int | float | bytes | list | tuple | dict):
        return f"its {name} is {call!r}, expected a method; remove it, and the one of Fence is used"
    if not isinstance(call, FunctionType):
        return ""
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        return (
            f"its {name} is async, and the harness does not await it; write def, and asyncio.run(...) in it"
        )
    if inspect.isgeneratorfunction(call):
        return f"its {name} has a yield, so a call of it runs nothing; take the yield out"
    given = list(inspect.signature(getattr(Fence, name)).parameters)
    try:
        inspect.signature(call).bind(*given)
    except TypeError as error:
        shown = f"{name}({', '.join(given[1:])})"
        more = ", and take everything else from the environment or from a file" if name == "__init__" else ""
        return (
            f"the harness calls {shown}, and its {name} does not take that: {error}; give it this form{more}"
        )
    except ValueError:  # a signature that only running the function would tell
        return ""
    return ""


def _misspelled(fence: type[Fence]) -> str:
    own = [cls for cls in fence.__mro__ if issubclass(cls, Fence) and cls is not Fence]
    for name in (name for cls in own for name, value in vars(cls).items() if isinstance(value, FunctionType)):
        for call in _CALLS:
            is_inherited = getattr(fence, call) is getattr(Fence, call)
            if is_inherited and name not in _CALLS and _is_meant(name, call):
                return f"the harness never calls its {name}; did you mean {call}? rename it"
    return ""


def _is_meant(name: str, call: str) -> bool:
    if name[0] == "_":
        return False
    if name.replace("_", "").lower() == call.replace("_", ""):
        return True
    if call not in _SPECIAL:
        return False
    # Imported here because a run of our own fences needs none of it.
    import difflib

    return difflib.SequenceMatcher(None, name, call).ratio() >= _LIKENESS_MIN
