"""Draw scenarios: every role with every setting, composed roles, every action, file system, faults.

Each draw is plain data as in a scenario file, and valid by construction. An absent key stands
for its default. Simpler draws come first: an absent key before a present one, a fixed number
before a range, fewer lanes before more. Numbers stay small, since large ones take longer than
they teach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st

from harness.model.transcript_lines import CANONICAL
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
from harness.tools.fuzz.additions import Additions
from harness.tools.fuzz.composed_lanes import composed_lane
from harness.tools.fuzz.draws import APPENDED, SHARED, Data, Draws, lane_name, one_of, some, span

__all__ = ["LANE_KEYS", "LEFT_OUT", "fault_of", "lane_of", "named", "scenarios"]

_NOTHING: Final = Additions()
#: Stands for a role that is composed of operations, among the names of roles.
_COMPOSED: Final = ""
#: Lanes beside the runner.
_OTHERS_MAX: Final = 3
_FAULTS_MAX: Final = 2
_LOCKED: Final[Draws] = SHARED | {
    "times": span(1, 3),
    "pause_ms": one_of(20, 200, 5000),
    "hold_ms": one_of(50, 300, 70_000),
}
_WRITER: Final[Draws] = _LOCKED | {"lines": span(0, 2), "entries": some(APPENDED)}

#: Optional keys of a lane, by role; an editor also needs actions.
LANE_KEYS: Final[Mapping[str, Draws]] = {
    "heartbeat": _WRITER,
    "cron": _WRITER,
    "ingress": _WRITER,
    "compactor": _LOCKED
    | {"how": some(("in_place", "rename")), "kind": some(("compaction", "migration")), "keep": span(0, 2)},
    "editor": SHARED | {"times": span(1, 3), "pause_ms": one_of(20, 200, 5000)},
    "runner": SHARED
    | {
        "turns": span(1, 2),
        "prompt": st.lists(st.sampled_from(APPENDED), max_size=2),
        "rounds": span(1, 3),
        "think_steps": span(0, 10),
        "writes": some(CANONICAL),
        "lines": span(1, 2),
        "own_writes": span(0, 2),
        "own_entries": some(CANONICAL),
        "recover": st.just(True),
    },
}
#: Keys of lanes that follow from the others, have to be the same in all lanes of a process, leave nothing
#: to judge, need a time-out, which not every fence has, or a fault that kills.
LEFT_OUT: Final = ("role", "name", "pid_namespace", "clock", "transcript", "release", "restart")

#: Calls that fail on the transcript or beside it.
_FAILING: Final = tuple(call for call in FAILING if call not in LOCKING)
#: Not drawn: EINTR, which not every call can give, and errors of names, which a fence may believe.
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
#: The faults of packages are not drawn: the same seed draws the same everywhere.
_PROCESS_FAULTS: Final[Draws] = {
    key: one_of(*fault.samples) for key, fault in PROCESS_FAULTS.built_in.items()
}
_CUTTING: Final = [key for key, fault in PROCESS_FAULTS.built_in.items() if fault.cuts]
_FILESYSTEM: Final[Draws] = {
    "time_grain_ms": one_of(4, 1000),
    "birth_time": st.just(False),
    "inode_reuse": st.just("never"),
    "inode_stable": st.just(False),
    "stamps_stable": st.just(False),
    "ctime_own": st.just(False),
    "ctime_drift_ms": one_of(10, 100),
    "attribute_cache_ms": one_of(100, 3000),
    "links_share_inode": st.just(False),
    "clock": one_of({"off_ms": 1000}, {"off_ms": -1000}),
    "copy_up": st.just(True),
    "like": one_of("ext4", "overlay", "fuse-overlayfs", "mergerfs", "vfat", "nfs"),
}
_TRANSCRIPT: Final[Draws] = {
    "entries": span(0, 4),
    "entry_bytes": span(0, 60),
    "symlink": st.just(True),
    "exists": st.just(False),
    "version": st.just(2),
}
_OPTIONS: Final[Draws] = {
    "lock_timeout_ms": one_of(1000, 100),
    "lock_max_hold_ms": one_of(100, 25),
    "lock_rob_live": st.just(False),
}


def lane_of(role: str, added: Additions = _NOTHING) -> st.SearchStrategy[Data]:
    """Return a strategy of lanes of a role; an editor has the actions of the user's files, too."""
    must: Draws = {"role": st.just(role)}
    if role == "editor":
        # The user gave the file for what it adds, so its actions are drawn as often as all others together.
        own = st.sampled_from(added.actions) if added.actions else st.nothing()
        must["actions"] = st.lists(
            st.sampled_from(tuple(ACTIONS.built_in)) | own, min_size=1, max_size=3, unique=True
        )
    return st.fixed_dictionaries(must, optional=LANE_KEYS.get(role, SHARED))


def named(lanes: list[Data]) -> list[Data]:
    """Return the lanes, with a name for each lane whose role came before, and for each composed role."""
    found: list[Data] = []
    seen: Counter[str] = Counter()
    for lane in lanes:
        name = lane_name(lane)
        seen[name] += 1
        if seen[name] == 1:
            found.append(lane)
        elif isinstance(lane["role"], str):
            found.append({"role": lane["role"], "name": f"{name}{seen[name]}", **lane})
        else:
            # It has operations of its own, so it is another role.
            found.append({**lane, "role": {**lane["role"], "name": f"{name}{seen[name]}"}})
    return found


def _error_of_a_write() -> st.SearchStrategy[str]:
    return st.sampled_from([failure["error"] for failure in _FAILURES if failure["call"] == "write"])


def fault_of(lanes: list[Data], added: Additions = _NOTHING) -> st.SearchStrategy[Data]:
    """Return a strategy of faults for one of the lanes, of calls that can have them."""
    hit = {"lane": st.sampled_from([lane_name(lane) for lane in lanes])}
    instead = _PROCESS_FAULTS | {key: one_of(*PROCESS_FAULTS[key].samples) for key in added.faults}
    # As with actions: those of the user's files are drawn as often as all others together.
    keys = [*sorted(_PROCESS_FAULTS), *added.faults * len(_PROCESS_FAULTS)]
    rest: Draws = {"operations": some(OP_KINDS), "nth": span(1, 2), "times": span(0, 2)}
    of_a_call: Draws = rest | {"file": st.sampled_from(_FAILING_FILES)}
    failing = st.tuples(st.fixed_dictionaries(hit, optional=of_a_call), st.sampled_from(_FAILURES)).map(
        lambda drawn: drawn[0] | drawn[1]
    )
    interrupted = hit | {"call": st.sampled_from(INTERRUPTIBLE), "error": st.just("EINTR")}
    cutting = hit | {"call": st.sampled_from(CUTTABLE), "cut": st.just(True)}
    at_a_step: Draws = rest | {
        "nth": span(1, 8),
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
        | st.sampled_from(keys).flatmap(
            lambda key: st.fixed_dictionaries(hit | {key: instead[key]}, optional=at_a_step)
        )
    )


@st.composite
def scenarios(draw: st.DrawFn, policy: str, added: Additions = _NOTHING) -> Data:
    """Draw scenario data without about, source and expect.

    Args:
        draw: Hypothesis's.
        policy: name of the policy to judge by.
        added: members of the user's files.
    """
    # Rogues are drawn more often: fences exist for them, and they differ most.
    kinds = (*LANE_KEYS, "editor", "editor", "editor", _COMPOSED, _COMPOSED, *added.roles, *added.roles)
    others = st.lists(
        st.sampled_from(kinds).flatmap(
            lambda kind: composed_lane() if kind == _COMPOSED else lane_of(kind, added)
        ),
        max_size=_OTHERS_MAX,
    )
    lanes = named([draw(lane_of("runner")), *draw(others)])
    data: Data = {"policy": policy, "lanes": lanes}
    if added.files:
        data["extensions"] = list(added.files)
    if added.invariants:
        data["invariant"] = list(added.invariants)
    for key, keys in (("transcript", _TRANSCRIPT), ("filesystem", _FILESYSTEM), ("fence_options", _OPTIONS)):
        found = draw(st.fixed_dictionaries({}, optional=keys) if draw(_rarely()) else st.just({}))
        if found:
            data[key] = found
    wrong = draw(st.lists(fault_of(lanes, added), max_size=_FAULTS_MAX) if draw(_rarely()) else st.just([]))
    if wrong:
        data["faults"] = wrong
    return data


def _rarely() -> st.SearchStrategy[bool]:
    """Return a strategy that is true once in three times; an absent part is simplest."""
    return st.sampled_from((False, False, True))
