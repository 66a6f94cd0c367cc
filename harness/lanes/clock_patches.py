"""Virtual time in the place of the real one, in every module that has a clock by name.

The vDSO answers clocks without a call, so no gate can; in our own workers the functions
themselves are exchanged. What a class or a default argument has kept of them stays real.

Where clocks are is looked up in the process that forks the workers: to look at a module is to
write to it, and in a child that copies the pages on which it stands.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType

import msgspec

__all__ = ["bend", "look_up", "really_sleep"]

_BUILTIN = type(time.sleep)
_NANOSECONDS = (time.time_ns, time.monotonic_ns, time.perf_counter_ns)
_SECONDS = (time.time, time.monotonic, time.perf_counter)
#: What is exchanged; this one is not a name of a clock, and stays real.
_REAL = (time.sleep, *_NANOSECONDS, *_SECONDS, time.clock_gettime, time.clock_gettime_ns)
_CLOCKS = frozenset(_REAL)


class _Known(msgspec.Struct):
    """What is known of the modules that there are.

    Args:
        modules: how many there are.
        places: module, name and function of each clock.
        parts: by name in `sys.modules`, the module, how many names it had, and which of them are clocks.
    """

    modules: int = 0
    places: list[tuple[ModuleType, str, object]] = []
    parts: dict[str, tuple[ModuleType, int, tuple[str, ...]]] = {}


_known = _Known()


def look_up() -> None:
    """Find every clock, if modules came or went since the last time."""
    if len(sys.modules) == _known.modules:
        return
    modules = list(sys.modules.items())
    _known.modules = len(modules)
    places = (
        (module, name, vars(module).get(name)) for key, module in modules for name in _clocks_of(key, module)
    )
    _known.places = [place for place in places if _is_clock(place[2])]


def bend(now_ns: Callable[[], int], sleep: Callable[[float], None]) -> None:
    """Exchange all clocks of this process for good.

    Args:
        now_ns: nanoseconds of virtual time.
        sleep: takes seconds of it.
    """

    def now() -> float:
        return now_ns() / 1e9

    bent: dict[object, object] = {time.sleep: sleep}
    bent |= dict.fromkeys(_NANOSECONDS, now_ns)
    bent |= dict.fromkeys(_SECONDS, now)
    bent[time.clock_gettime] = lambda _: now()
    bent[time.clock_gettime_ns] = lambda _: now_ns()
    look_up()
    for module, name, value in _known.places:
        if vars(module).get(name) is value:
            setattr(module, name, bent[value])


def really_sleep(seconds: float) -> None:
    """Sleep in real time, in whatever process."""
    _REAL[0](seconds)


def _clocks_of(key: str, module: ModuleType) -> tuple[str, ...]:
    """Names under which a module has clocks; looked at again when it is another, or has more names or fewer.

    Args:
        key: its name in `sys.modules`.
        module: what stands there.
    """
    content = vars(module)
    known, size, names = _known.parts.get(key, (None, 0, ()))
    if known is not module or size != len(content):
        names = tuple(name for name, value in list(content.items()) if _is_clock(value))
        _known.parts[key] = module, len(content), names
    return names


def _is_clock(value: object) -> bool:
    return type(value) is _BUILTIN and value in _CLOCKS
