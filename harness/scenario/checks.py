"""Check a scenario beyond the form of its keys: names that exist, consistent lanes, limits.

Names are checked in the data as read, so that their faults are reported together with those of the
validator. Limits are checked last, in a scenario without other faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fence import FENCES
from fence.locks import KINDS, LockKind
from fence.targets import LOCK_OPTIONS
from harness.model.policy import EFFECTS, POLICIES
from harness.model.transcript_lines import make
from harness.scenario.actions import ACTIONS
from harness.scenario.clock_checks import check_clocks
from harness.scenario.definition import FAULT_KEYS, LANES_MAX, OPS_MAX, PROGRAM_BYTES_MAX, Scenario
from harness.scenario.explain import name_fault, suggest
from harness.scenario.faults import (
    CALL_FAULTS,
    CALLS,
    CUTTABLE,
    ERRORS,
    FAILING,
    INTERRUPTIBLE,
    LOCKING,
    MAKING,
    PROCESS_FAULTS,
    errors_of,
    kinds,
)
from harness.scenario.filesystems import FILESYSTEMS, expanded
from harness.scenario.program_checks import check_programs
from harness.scenario.reader import Document, Path, Position
from harness.scenario.role_checks import check_composed, decides, role_name
from harness.scenario.roles import ROLES, LaneSettings, role_of
from harness.scenario.roles.program import ProgramSettings
from harness.scenario.roles.role import again, highest

__all__ = ["check_fences", "check_filesystem", "check_limits", "check_names", "lock_options"]

#: Size of an operation without its lines, in a program's text form.
_OP_BYTES: Final = 200
#: Names of the watched transcript, without their suffix.
_TRANSCRIPTS: Final = ("transcript", "linked")
#: Keys of a file system that say what a forgotten file tells.
_FORGETTING: Final = ("inode_stable", "stamps_stable")
_FAULT_BYTES: Final = 120
_ARGUMENT_BYTES: Final = 5
#: A pause of up to a day before a key.
_PAUSE_BYTES: Final = 17


def check_names(document: Document) -> None:
    """Add a fault for every unknown name and for lanes that contradict each other."""
    data = document.data
    if not isinstance(data, dict):
        return
    lanes = list(_lanes(data.get("lanes")))
    check_clocks(document, data.get("filesystem"), lanes)
    for path, message in _unknown_names(data, lanes):
        if document.is_unread(path):
            continue
        # For an option, point at the key: its name is wrong. Otherwise point at the value.
        at_key = path[0] == "fence_options"
        position = document.keys[path] if at_key else document.values[path]
        document.fault(position, path, message)
    _check_policy(document, data.get("policy"))
    if lanes and len(lanes) == len(data["lanes"]):
        _check_lanes(document, lanes)
        _check_faults(document, data.get("faults"), lanes)
        _check_left_lock(document, data.get("left_lock"), lanes)


def _lanes(found: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    for index, lane in enumerate(found if isinstance(found, list) else ()):
        if isinstance(lane, dict):
            yield ("lanes", index), lane


def _unknown_names(
    data: Mapping[str, Any], lanes: list[tuple[Path, dict[str, Any]]]
) -> Iterator[tuple[Path, str]]:
    for path, lane in lanes:
        actions = lane.get("actions")
        for index, name in enumerate(actions if isinstance(actions, list) else ()):
            if isinstance(name, str) and name not in ACTIONS:
                yield (*path, "actions", index), name_fault("action", name, ACTIONS, "actions")
    policy = data.get("policy")
    if isinstance(policy, str) and policy not in POLICIES:
        yield ("policy",), name_fault("policy", policy, POLICIES, "policies")
    base = policy.get("base") if isinstance(policy, dict) else None
    if isinstance(base, str) and base not in POLICIES:
        yield ("policy", "base"), name_fault("policy", base, POLICIES, "policies")
    options = data.get("fence_options")
    for name in options if isinstance(options, dict) else ():
        if name.startswith("lock_") and name not in lock_options(KINDS.built_in.values()):
            known = lock_options(KINDS.values())
            if name not in known:
                yield ("fence_options", name), f"unknown option of a lock{suggest(name, known)}"


def lock_options(kinds: Iterable[LockKind]) -> list[str]:
    """Return the options that locks understand, in order; other options are a fence's own business."""
    return sorted({*LOCK_OPTIONS, *(option for kind in kinds for option in kind.options)})


def check_fences(document: Document) -> None:
    """Add a fault for every name that looks like a registered fence and is none.

    Stored scenarios are not checked: their expectations of a removed fence do not matter.
    """
    data = document.data if isinstance(document.data, dict) else {}
    expect, fences = data.get("expect"), data.get("fences")
    for name in expect if isinstance(expect, dict) else ():
        _check_fence(document, document.keys[("expect", name)], ("expect", name), name)
    for index, name in enumerate(fences if isinstance(fences, list) else ()):
        _check_fence(document, document.values[("fences", index)], ("fences", index), name)


def _check_fence(document: Document, position: Position, path: Path, name: Any) -> None:
    if isinstance(name, str) and ":" not in name and name not in FENCES and not document.is_unread(path):
        document.fault(position, path, name_fault("fence", name, FENCES, "fences"))


def _check_policy(document: Document, policy: Any) -> None:
    """Add a fault for a table without a base that does not answer for every class."""
    if not isinstance(policy, dict) or policy.get("base") is not None or document.is_unread(("policy",)):
        return
    rules = policy.get("rules", {})
    if isinstance(rules, dict):
        missing = [name for name in EFFECTS if name not in rules]
        if missing:
            path: Path = ("policy", "rules") if "rules" in policy else ("policy",)
            message = f"no rule for {', '.join(missing)}; add them, or name a base to take them from"
            document.fault(document.values[path], path, message)


def check_filesystem(document: Document) -> None:
    """Add a fault for a key that says nothing without another one; a stored scenario has every key."""
    given = document.data.get("filesystem") if isinstance(document.data, dict) else None
    if not isinstance(given, dict) or given.get("like") not in (None, *FILESYSTEMS):
        return
    keys = expanded(given)
    if "inode_forget_ms" in given and all(keys.get(key, True) is True for key in _FORGETTING):
        message = (
            "a file that is forgotten tells the same while inode_stable and stamps_stable are true; make one "
            "of them false, or remove this key"
        )
        place: Path = ("filesystem", "inode_forget_ms")
        document.fault(document.values[place], place, message)


def _check_lanes(document: Document, lanes: list[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault if there is no runner, for duplicate names, and for too many lanes."""
    roles = [lane.get("role") for _, lane in lanes]
    # An unknown role, which is reported already, may be a misspelt runner.
    known = all(isinstance(role, dict) or (isinstance(role, str) and role in ROLES) for role in roles)
    if "runner" not in roles and known and not _judged(document, lanes):
        message = (
            "no lane has the role runner, and nothing else is judged; add a runner, invariants, or a program "
            "with participant: true"
        )
        document.fault(document.values[("lanes",)], ("lanes",), message)
    seen: dict[str, Path] = {}
    for path, lane in lanes:
        for name in _names(lane):
            if name in seen:
                line = document.values[seen[name]][0]
                message = f"a second lane has the name {name!r}, the first begins in line {line}; rename it"
                place = (*path, "name") if "name" in lane else path
                document.fault(document.values[place], place, message)
                break
            seen[name] = path
    _check_restarts(document, lanes)
    _check_hosts(document, lanes, "pid_namespace", "PID namespace")
    _check_hosts(document, lanes, "clock", "clock")
    _check_transcripts(document, lanes)
    _check_kept_locks(document, lanes)
    check_programs(document, lanes)
    check_composed(document, lanes)
    total = sum(len(_names(lane)) * (2 if lane.get("restart") else 1) for _, lane in lanes)
    if total > LANES_MAX and len(lanes) <= LANES_MAX:
        message = f"{total} lanes with their counts, at most {LANES_MAX} are possible; remove some"
        document.fault(document.values[("lanes",)], ("lanes",), message)


def _check_restarts(document: Document, lanes: list[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for a restart without a fault that kills, and for the name of a restarted lane."""
    data = document.data
    assert isinstance(data, dict)
    faults = data.get("faults")
    kills = [fault for fault in faults if isinstance(fault, dict)] if isinstance(faults, list) else []
    names = {name for _, lane in lanes for name in _names(lane)}
    for path, lane in lanes:
        if not lane.get("restart"):
            continue
        place, message = (*path, "restart"), ""
        if not any(_is_given(fault, "kill") for fault in kills):
            message = "nothing kills the process; add a fault with kill: true"
        elif taken := names.intersection(again(name) for name in _names(lane)):
            message = f"the lane is called {min(taken)!r} when it is started again; rename the other one"
        if message:
            document.fault(document.values[place], place, message)


def _judged(document: Document, lanes: list[tuple[Path, dict[str, Any]]]) -> bool:
    """Return whether a scenario without a runner can show a violation."""
    data = document.data
    assert isinstance(data, dict)
    return bool(data.get("invariants") or data.get("invariant")) or any(
        isinstance(lane.get("role"), dict)
        or (lane.get("role") in tuple(ROLES) and ROLES[lane["role"]].participant)
        or lane.get("participant") is True
        for _, lane in lanes
    )


def _check_hosts(document: Document, lanes: list[tuple[Path, dict[str, Any]]], key: str, words: str) -> None:
    """Add a fault for a process whose lanes say different things of it.

    Args:
        document: the scenario.
        lanes: with their places.
        key: of a lane, about its process.
        words: what the key gives.
    """
    first: dict[str, tuple[Path, Any]] = {}
    for path, lane in lanes:
        process, given = lane.get("process"), lane.get(key)
        if not isinstance(process, str):
            continue
        before, known = first.setdefault(process, (path, given))
        if given != known:
            line = document.values[before][0]
            place = (*path, key) if key in lane else path
            message = f"process {process!r} has another {words} in line {line}; give all its lanes the same"
            document.fault(document.values[place], place, message)


def _check_transcripts(document: Document, lanes: list[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for a lane on another transcript that could not be, or leaves none for the watched one."""
    watched = False
    for path, lane in lanes:
        name, role = lane.get("transcript"), lane.get("role")
        watched |= name is None and decides(lane)
        if not isinstance(name, str):
            continue
        place, message = (*path, "transcript"), ""
        if name in _TRANSCRIPTS:
            message = f"{name!r} is the watched transcript; choose another name, or leave the key out"
        elif isinstance(role, str) and role in ROLES and not ROLES[role].participant:
            message = f"a lane of the role {role} works on the watched transcript; remove the key"
        if message:
            document.fault(document.values[place], place, message)
    if not watched and any(decides(lane) for _, lane in lanes):
        message = (
            "each runner works on another transcript, and nothing is decided on the watched one; add one"
        )
        document.fault(document.values[("lanes",)], ("lanes",), message)


def _check_kept_locks(document: Document, lanes: list[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for a lane that keeps the lock where the others have no time-out."""
    data = document.data
    assert isinstance(data, dict)
    options = data.get("fence_options")
    if isinstance(options, dict) and "lock_timeout_ms" in options:
        return
    for path, lane in lanes:
        if lane.get("release") is False:
            message = "every other lane would wait for ever; give fence_options.lock_timeout_ms"
            document.fault(document.values[(*path, "release")], (*path, "release"), message)


def _check_faults(document: Document, faults: Any, lanes: list[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for unknown lanes and for keys of a fault that do not go together."""
    named = [name for _, lane in lanes for name in (lane.get("name"), role_name(lane), *_names(lane))]
    known = dict.fromkeys(name for name in named if isinstance(name, str))
    for index, fault in enumerate(faults if isinstance(faults, list) else ()):
        if not isinstance(fault, dict):
            continue
        path: Path = ("faults", index)
        name = fault.get("lane")
        if isinstance(name, str) and name not in known:
            message = f"no lane has the name or role {name!r}{suggest(name, [n for n in known if n])}"
            document.fault(document.values[(*path, "lane")], (*path, "lane"), message)
        if not document.is_unread(path):
            for key, message in _wrong_with(fault):
                place = (*path, key) if key else path
                document.fault(document.values[place], place, message)


def _check_left_lock(document: Document, left: Any, lanes: list[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for a process that has no lane."""
    name = left.get("process") if isinstance(left, dict) else None
    known = [
        process
        for _, lane in lanes
        for process in ([lane["process"]] if lane.get("process") else _names(lane))
    ]
    if isinstance(name, str) and name not in known:
        place: Path = ("left_lock", "process")
        named = [process for process in known if isinstance(process, str)]
        document.fault(
            document.values[place], place, f"no lane runs in the process {name!r}{suggest(name, named)}"
        )


def _wrong_with(fault: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the keys of a fault that do not fit together: the key to point at, and what is wrong."""
    given = [key for key in (*CALL_FAULTS, *PROCESS_FAULTS.built_in) if _is_given(fault, key)]
    given += [
        key for key in fault if key not in FAULT_KEYS and key in PROCESS_FAULTS and _is_given(fault, key)
    ]
    call = fault.get("call")
    if not given:
        yield "", f"no fault is given; give one of {', '.join(kinds())}"
    elif len(given) > 1 and not _go_together(given):
        yield given[-1], f"cannot be combined with {given[0]}; make two faults of it"
    elif call is None and given[0] in ("error", "cut"):
        yield given[0], "needs a call; give its name as call"
    elif call in CALLS:
        if "cut" in given and call not in CUTTABLE:
            yield "cut", f"a {call} cannot be cut short, only {' and '.join(CUTTABLE)} can; remove cut"
        if "error" in given:
            yield from _wrong_with_error(fault, call)
    if given and set(given) <= set(CALL_FAULTS) and call not in LOCKING + MAKING:
        file = fault.get("file")
        if file in ("lock", "any"):
            allowed = ", ".join(LOCKING + MAKING)
            yield (
                "file",
                f"a call that fails concerns the transcript or a file beside it (got {file}); name one, "
                f"or choose a call that only takes locks: {allowed}",
            )


def _is_given(fault: Mapping[str, Any], key: str) -> bool:
    value = fault.get(key)
    return value is not None and value is not False


def _go_together(given: list[str]) -> bool:
    """Return whether two faults make one: a cut, and the fault that strikes the write or in its midst."""
    return given == ["error", "cut"] or (
        given[0] == "cut" and len(given) == 2 and given[1] in PROCESS_FAULTS and PROCESS_FAULTS[given[1]].cuts  # noqa: PLR2004
    )


def _wrong_with_error(fault: Mapping[str, Any], call: str) -> Iterator[tuple[str, str]]:
    error = fault["error"]
    if call not in FAILING:
        yield "call", f"a {call} that fails has taken effect all the same; remove error"
    elif error == "EINTR" and call not in INTERRUPTIBLE:
        yield "error", f"no signal interrupts a {call}, only {', '.join(INTERRUPTIBLE)}; choose another error"
    elif error in ERRORS and error not in errors_of(call):
        able = ", ".join(errors_of(call))
        yield "error", f"no {call} fails with {error}; choose one of those that it can give: {able}"


def _names(lane: Mapping[str, Any]) -> list[str]:
    """Return what `LaneSettings.names` would, from data that may have other faults."""
    name, count = lane.get("name") or role_name(lane), lane.get("count", 1)
    if not isinstance(name, str) or type(count) is not int or not 1 <= count <= LANES_MAX:
        return []
    return [name] if count == 1 else [f"{name}-{n}" for n in range(1, count + 1)]


def check_limits(scenario: Scenario, document: Document) -> None:
    """Add a fault for every lane that may get too large, and for all lanes together."""
    text_bytes = highest(scenario.transcript.entry_bytes)
    # The longest form of a line, and the longest name of a lane.
    entry_bytes = len(make("gateway-injected", "i" * 60, text_bytes).line) + 60
    total = (1 + highest(scenario.transcript.entries)) * entry_bytes
    for index, lane in enumerate(scenario.lanes):
        size = role_of(lane).size(lane)
        lives = lane.count * (2 if lane.restart is not None else 1)
        total += lives * (size.ops * _OP_BYTES + size.entries * entry_bytes)
        total += lives * _bytes_of_arguments(lane)
        if size.ops > OPS_MAX:
            path: Path = ("lanes", index)
            message = f"may have up to {size.ops} operations, at most {OPS_MAX} fit; reduce its settings"
            document.fault(document.values.get(path, (1, 1)), path, message)
    total += sum(highest(fault.times) * _FAULT_BYTES for fault in scenario.faults)
    if total > PROGRAM_BYTES_MAX:
        message = (
            f"all lanes together may need up to {total} bytes, at most {PROGRAM_BYTES_MAX} fit; "
            "lower lines, entry_bytes or the number of lanes"
        )
        document.fault(document.values.get(("lanes",), (1, 1)), ("lanes",), message)


def _bytes_of_arguments(lane: LaneSettings) -> int:
    if not isinstance(lane, ProgramSettings):
        return 0
    words = sum(len(word.encode()) + _ARGUMENT_BYTES for word in (*lane.argv, *lane.keys))
    return highest(lane.times) * (words + len(lane.keys) * _PAUSE_BYTES)
