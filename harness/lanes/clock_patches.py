"""Replace the real clocks by virtual time, in every module that has a clock function by name.

The vDSO answers clock calls without a system call, so no gate can trap them; in the harness's workers
the functions themselves are replaced. Copies that a class or a default argument has kept stay real.

The names are looked up in the process that forks the workers: inspecting a module writes to it, and
in a child that would copy its memory pages.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType

import msgspec

__all__ = ["find_clocks", "forget_last_ids", "replace_clocks", "sleep_in_real_time"]

_BUILTIN = type(time.sleep)
_NANOSECONDS = (time.monotonic_ns, time.perf_counter_ns)
_SECONDS = (time.monotonic, time.perf_counter)
#: Clocks of the date; 5 and 8 are the coarse one and that of alarms, which have no name here.
_DATES = frozenset({time.CLOCK_REALTIME, 5, 8, time.CLOCK_TAI})
#: The replaced functions. This tuple keeps the real ones, because only names in modules are replaced.
_REAL = (
    time.sleep,
    time.time,
    time.time_ns,
    *_NANOSECONDS,
    *_SECONDS,
    time.clock_gettime,
    time.clock_gettime_ns,
)
_CLOCKS = frozenset(_REAL)


class _ClockNames(msgspec.Struct):
    """The clock functions found in the loaded modules.

    Args:
        modules: number of loaded modules.
        places: module, name and function of each clock.
        parts: by name in `sys.modules`: the module, its number of names, and which of them are clocks.
    """

    modules: int = 0
    places: list[tuple[ModuleType, str, object]] = []
    parts: dict[str, tuple[ModuleType, int, tuple[str, ...]]] = {}


_found = _ClockNames()


def find_clocks() -> None:
    """Find every clock function, if the set of modules changed since the last call."""
    if len(sys.modules) == _found.modules:
        return
    modules = list(sys.modules.items())
    _found.modules = len(modules)
    places = (
        (module, name, vars(module).get(name)) for key, module in modules for name in _clocks_of(key, module)
    )
    _found.places = [place for place in places if _is_clock(place[2])]


def replace_clocks(
    now_ns: Callable[[], int],
    sleep: Callable[[float], None],
    date_ns: Callable[[], int] | None = None,
) -> None:
    """Replace all clock functions of this process permanently.

    Args:
        now_ns: returns nanoseconds of virtual time.
        sleep: sleeps for seconds of virtual time.
        date_ns: returns what the clocks of the date show, nanoseconds; absent: virtual time.
    """
    date = date_ns or now_ns

    def now() -> float:
        return now_ns() / 1e9

    def clock_ns(number: int) -> int:
        return date() if number in _DATES else now_ns()

    virtual: dict[object, object] = {time.sleep: sleep}
    virtual |= dict.fromkeys(_NANOSECONDS, now_ns)
    virtual |= dict.fromkeys(_SECONDS, now)
    virtual[time.time_ns] = date
    virtual[time.time] = lambda: date() / 1e9
    virtual[time.clock_gettime] = lambda number: clock_ns(number) / 1e9
    virtual[time.clock_gettime_ns] = clock_ns
    find_clocks()
    for module, name, value in _found.places:
        if vars(module).get(name) is value:
            setattr(module, name, virtual[value])


def forget_last_ids() -> None:
    """Have `uuid` make ids of the time as if none had been made: it counts on from the last one."""
    uuid = sys.modules.get("uuid")
    for name in [name for name in vars(uuid) if name.startswith("_last_timestamp")] if uuid else ():
        setattr(uuid, name, None)
    if hasattr(uuid, "_generate_time_safe"):
        # The C library's function remembers the last one, too, and nothing reaches that.
        setattr(uuid, "_generate_time_safe", None)  # noqa: B010  # not in the stubs


def sleep_in_real_time(seconds: float) -> None:
    """Sleep in real time, also where the clocks are replaced."""
    _REAL[0](seconds)


def _clocks_of(key: str, module: ModuleType) -> tuple[str, ...]:
    """Return the names under which a module has clocks; search again if the module or its size changed.

    Args:
        key: its name in `sys.modules`.
        module: the module under that name.
    """
    content = vars(module)
    known, size, names = _found.parts.get(key, (None, 0, ()))
    if known is not module or size != len(content):
        names = tuple(name for name, value in list(content.items()) if _is_clock(value))
        _found.parts[key] = module, len(content), names
    return names


def _is_clock(value: object) -> bool:
    return type(value) is _BUILTIN and value in _CLOCKS
