"""Draw scenarios: every role with every setting, every action, file system, faults.

Each draw is plain data as in a scenario file, and valid by construction. An absent key stands
for its default. Simpler draws come first: an absent key before a present one, a fixed number
before a range, fewer lanes before more. Numbers stay small, since large ones take longer than
they teach.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

from harness.model.transcript_lines import CANONICAL, TYPES
from harness.scenario.actions import ACTIONS
from harness.scenario.definition import OP_KINDS
from harness.scenario.faults import (
    CALLS,
    CUTTABLE,
    FAILING,
    FILES,
    INTERRUPTIBLE,
    LOCKING,
    OF_NAMES,
    PROCESS_FAULTS,
    errors_of,
)

__all__ = ["LANE_KEYS", "LEFT_OUT", "fault_of", "lane_of", "scenarios"]

Data = dict[str, Any]
Draws = dict[str, st.SearchStrategy[Any]]

#: Lanes beside the runner.
_OTHERS_MAX: Final = 3
_FAULTS_MAX: Final = 2
#: Types that a lane may append; the header is written before the first step.
_APPENDED: Final = tuple(kind for kind in TYPES if kind != "session")
#: The runner's process, which other lanes may share.
_HOME: Final = "gateway"


def _span(low: int, high: int) -> st.SearchStrategy[Any]:
    """Return a strategy of a fixed number, or of lowest and highest."""
    numbers = st.integers(low, high)
    return numbers | st.tuples(numbers, numbers).map(sorted)


def _some(items: tuple[str, ...], most: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(items), min_size=1, max_size=most, unique=True)


def _one_of(*items: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(items)


_SHARED: Final[Draws] = {
    "process": _one_of(_HOME, "script"),
    "count": st.just(2),
    "delay_steps": _span(0, 12),
    "rate": _one_of(50, 10, 2),
}
_LOCKED: Final[Draws] = _SHARED | {
    "times": _span(1, 3),
    "pause_ms": _one_of(20, 200, 5000),
    "hold_ms": _one_of(50, 300, 70_000),
}
_WRITER: Final[Draws] = _LOCKED | {"lines": _span(0, 2), "entries": _some(_APPENDED)}

#: Optional keys of a lane, by role; required keys are in `_MUST`.
LANE_KEYS: Final[Mapping[str, Draws]] = {
    "heartbeat": _WRITER,
    "cron": _WRITER,
    "ingress": _WRITER,
    "compactor": _LOCKED
    | {"how": _some(("in_place", "rename")), "kind": _some(("compaction", "migration")), "keep": _span(0, 2)},
    "editor": _SHARED | {"times": _span(1, 3), "pause_ms": _one_of(20, 200, 5000)},
    "runner": _SHARED
    | {
        "turns": _span(1, 2),
        "prompt": st.lists(st.sampled_from(_APPENDED), max_size=2),
        "rounds": _span(1, 3),
        "think_steps": _span(0, 10),
        "writes": _some(CANONICAL),
        "lines": _span(1, 2),
        "own_writes": _span(0, 2),
        "own_entries": _some(CANONICAL),
        "recover": st.just(True),
    },
}
_MUST: Final[Mapping[str, Draws]] = {"editor": {"actions": _some(tuple(ACTIONS.built_in), most=3)}}
#: Keys of lanes that follow from the others, have to be the same in all lanes of a process, leave nothing
#: to judge, need a time-out, which not every fence has, or a fault that kills.
LEFT_OUT: Final = ("role", "name", "pid_namespace", "clock", "transcript", "release", "restart")

#: Calls that fail on the transcript or beside it.
_FAILING: Final = tuple(call for call in FAILING if call not in LOCKING)
#: What is not drawn: EINTR, which not every call can give, and what a fence may believe of the file's name.
_NOT_DRAWN: Final = OF_NAMES | {"EINTR"}
#: Most programs make these.
_COMMON: Final = ("write", "read", "openat")
_FAILURES: Final = tuple(
    {"call": call, "error": error}
    for call in (*_COMMON, *(call for call in _FAILING if call not in _COMMON))
    for error in errors_of(call)
    if error not in _NOT_DRAWN
)
_FAILING_FILES: Final = ("transcript", "beside")
#: What packages add is not drawn: the same seed draws the same everywhere.
_PROCESS_FAULTS: Final[Draws] = {
    key: _one_of(*fault.samples) for key, fault in PROCESS_FAULTS.built_in.items()
}
_CUTTING: Final = [key for key, fault in PROCESS_FAULTS.built_in.items() if fault.cuts]
_FILESYSTEM: Final[Draws] = {
    "time_grain_ms": _one_of(4, 1000),
    "birth_time": st.just(False),
    "inode_reuse": st.just("never"),
    "inode_stable": st.just(False),
    "stamps_stable": st.just(False),
    "ctime_own": st.just(False),
    "ctime_drift_ms": _one_of(10, 100),
    "attribute_cache_ms": _one_of(100, 3000),
    "links_share_inode": st.just(False),
    "clock": _one_of({"off_ms": 1000}, {"off_ms": -1000}),
    "copy_up": st.just(True),
    "like": _one_of("ext4", "overlay", "fuse-overlayfs", "mergerfs", "vfat", "nfs"),
}
_TRANSCRIPT: Final[Draws] = {
    "entries": _span(0, 4),
    "entry_bytes": _span(0, 60),
    "symlink": st.just(True),
    "exists": st.just(False),
    "version": st.just(2),
}
_OPTIONS: Final[Draws] = {
    "lock_timeout_ms": _one_of(1000, 100),
    "lock_max_hold_ms": _one_of(100, 25),
    "lock_rob_live": st.just(False),
}


def lane_of(role: str) -> st.SearchStrategy[Data]:
    """Return a strategy of lanes of a role."""
    must = {"role": st.just(role), **_MUST.get(role, {})}
    return st.fixed_dictionaries(must, optional=LANE_KEYS[role])


def _named(lanes: list[Data]) -> list[Data]:
    """Return the lanes, with a name for each lane whose role came before."""
    named: list[Data] = []
    for lane in lanes:
        role = lane["role"]
        before = sum(1 for other in named if other["role"] == role)
        name = {"name": f"{role}{before + 1}"} if before else {}
        named.append({"role": role, **name, **lane})
    return named


def _error_of_a_write() -> st.SearchStrategy[str]:
    return st.sampled_from([failure["error"] for failure in _FAILURES if failure["call"] == "write"])


def fault_of(lanes: list[Data]) -> st.SearchStrategy[Data]:
    """Return a strategy of faults for one of the lanes, of calls that can have them."""
    hit = {"lane": st.sampled_from([lane.get("name", lane["role"]) for lane in lanes])}
    rest: Draws = {"operations": _some(OP_KINDS), "nth": _span(1, 2), "times": _span(0, 2)}
    of_a_call: Draws = rest | {"file": st.sampled_from(_FAILING_FILES)}
    failing = st.tuples(st.fixed_dictionaries(hit, optional=of_a_call), st.sampled_from(_FAILURES)).map(
        lambda drawn: drawn[0] | drawn[1]
    )
    interrupted = hit | {"call": st.sampled_from(INTERRUPTIBLE), "error": st.just("EINTR")}
    cutting = hit | {"call": st.sampled_from(CUTTABLE), "cut": st.just(True)}
    at_a_step: Draws = rest | {
        "nth": _span(1, 8),
        "call": st.sampled_from(CALLS),
        "file": st.sampled_from(FILES),
    }
    return (
        failing
        | st.fixed_dictionaries(cutting, optional={"error": _error_of_a_write(), **of_a_call})
        | st.sampled_from(_CUTTING).flatmap(
            lambda key: st.fixed_dictionaries(cutting | {key: _PROCESS_FAULTS[key]}, optional=rest)
        )
        | st.fixed_dictionaries(interrupted, optional=rest)
        | st.sampled_from(sorted(_PROCESS_FAULTS)).flatmap(
            lambda key: st.fixed_dictionaries(hit | {key: _PROCESS_FAULTS[key]}, optional=at_a_step)
        )
    )


@st.composite
def scenarios(draw: st.DrawFn, policy: str) -> Data:
    """Draw scenario data without about, source and expect.

    Args:
        draw: Hypothesis's.
        policy: name of the policy to judge by.
    """
    # Rogues are drawn more often: fences exist for them, and they differ most.
    role = st.sampled_from((*LANE_KEYS, "editor", "editor", "editor"))
    others = st.lists(role.flatmap(lane_of), max_size=_OTHERS_MAX)
    lanes = _named([draw(lane_of("runner")), *draw(others)])
    data: Data = {"policy": policy, "lanes": lanes}
    for key, keys in (("transcript", _TRANSCRIPT), ("filesystem", _FILESYSTEM), ("fence_options", _OPTIONS)):
        found = draw(st.fixed_dictionaries({}, optional=keys) if draw(_rarely()) else st.just({}))
        if found:
            data[key] = found
    wrong = draw(st.lists(fault_of(lanes), max_size=_FAULTS_MAX) if draw(_rarely()) else st.just([]))
    if wrong:
        data["faults"] = wrong
    return data


def _rarely() -> st.SearchStrategy[bool]:
    """Return a strategy that is true once in three times; an absent part is simplest."""
    return st.sampled_from((False, False, True))
