"""Draw a `Program` from a scenario, a seed and the index of a schedule.

A program leaves nothing to chance. The order of the steps is not drawn here: the strategy chooses it,
with a generator of its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from harness.model.history import LaneInfo
from harness.model.program import ClockSkew, Entry, Fault, Filesystem, LaneProgram, LeftLock, Program
from harness.model.transcript_lines import make_header
from harness.scenario.definition import FaultSettings, Scenario
from harness.scenario.drawn_checks import draw_checked, is_outside
from harness.scenario.faults import LOCKING, recorded_name
from harness.scenario.filesystems import FilesystemSettings
from harness.scenario.roles import Ids, LaneSettings, role_of
from harness.scenario.roles.role import again, choose, pick

__all__ = ["draw", "lanes_of", "program_seed"]

_CLOCK_START_MS: Final = 1_767_225_600_000  # 2026-01-01, UTC
_CLOCK_SPREAD_MS: Final = 10_000
_MASK: Final = (1 << 64) - 1
_KEEP_ALL: Final = 1000
#: Separates the faults' random numbers from all others.
_FAULTS: Final = 0xFA017
_LEFT_LOCK: Final = 0x1EF7
_RESTARTS: Final = 0x2E57
_CLOCKS: Final = 0xC10C
_SERVER: Final = -1
#: No lane can have this name, so its ids collide with no lane's ids.
_BEFORE: Final = "_before"
_CONVERSATION: Final = ("user", "assistant", "assistant", "toolResult")


def program_seed(seed: int, schedule: int) -> int:
    """Scatter both numbers over 64 bits (SplitMix64; Steele et al., OOPSLA 2014).

    Only the lowest 128 bits of the seed and the lowest 64 of the schedule count.
    """
    state = _scramble(seed & _MASK)
    state = _scramble(state ^ (seed >> 64 & _MASK))
    return _scramble(state ^ (schedule & _MASK))


def _scramble(bits: int) -> int:
    bits = (bits + 0x9E3779B97F4A7C15) & _MASK
    bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) & _MASK
    return bits ^ bits >> 31


def lanes_of(scenario: Scenario) -> tuple[LaneInfo, ...]:
    """Return the scenario's lanes with counts expanded; a lane's index is its position here."""
    first = [(lane, name, lane.process or name) for lane in scenario.lanes for name in lane.names()]
    later = [(lane, again(name), again(process)) for lane, name, process in first if lane.restart is not None]
    return tuple(
        LaneInfo(
            name,
            lane.role_name,
            process,
            role_of(lane).takes_part(lane),
            lane.pid_namespace or "",
            lane.transcript or "",
        )
        for lane, name, process in (*first, *later)
    )


def draw(scenario: Scenario, seed: int, schedule: int) -> Program:
    """Return the operations of all lanes in one schedule; a pure function of its arguments.

    Args:
        scenario: a checked scenario.
        seed: seed of the run.
        schedule: index of the schedule in the run, from 0.
    """
    drawn = program_seed(seed, schedule)
    rng = random.Random(drawn)
    clock_start_ms = _CLOCK_START_MS + pick(rng, (0, _CLOCK_SPREAD_MS - 1))
    initial = _initial(scenario, rng)
    lanes = [_lane(scenario, lane, name, rng) for lane in scenario.lanes for name in lane.names()]
    return Program(
        _with_clocks(scenario, drawn, (*_with_faults(scenario, drawn, lanes), *_revived(scenario, drawn))),
        initial,
        _filesystem(scenario.filesystem, drawn),
        clock_start_ms * 1_000_000,
        scenario.step_ms * 1_000_000,
        scenario.transcript.symlink,
        _left_lock(scenario, drawn),
    )


def _lane(scenario: Scenario, lane: LaneSettings, name: str, rng: random.Random) -> LaneProgram:
    role = role_of(lane)
    ids = Ids(name, scenario.transcript.entry_bytes)
    ops = draw_checked(lane, rng, ids, name) if is_outside(lane) else role.draw(lane, rng, ids)
    return LaneProgram(
        name,
        lane.role_name,
        lane.process or name,
        role.takes_part(lane),
        ops,
        lane.pid_namespace or "",
        lane.transcript or "",
    )


def _revived(scenario: Scenario, drawn: int) -> Iterator[LaneProgram]:
    """Yield what lanes do when they are started again; each has a generator of its own, and no faults."""
    for number, lane in enumerate(scenario.lanes):
        if lane.restart is None:
            continue
        rng = random.Random(program_seed(drawn ^ _RESTARTS, number))
        for name in lane.names():
            process = lane.process or name
            after_ms = pick(rng, lane.restart.after_ms)
            yield msgspec.structs.replace(
                _lane(scenario, lane, again(name), rng),
                process=again(process),
                revives=process,
                after_ms=after_ms,
                revived_pid=lane.restart.pid,
            )


def _with_clocks(scenario: Scenario, drawn: int, lanes: tuple[LaneProgram, ...]) -> tuple[LaneProgram, ...]:
    """Return the lanes with the clocks of their processes; one that comes back has the clock of its host."""
    if all(lane.clock is None for lane in scenario.lanes):
        return lanes
    clocks: dict[str, ClockSkew | None] = {}
    for number, lane in enumerate(scenario.lanes):
        for name in lane.names():
            rng = random.Random(program_seed(drawn ^ _CLOCKS, number))
            clocks.setdefault(lane.process or name, lane.clock.draw(rng) if lane.clock is not None else None)
    return tuple(
        msgspec.structs.replace(lane, clock=clocks.get(lane.revives or lane.process)) for lane in lanes
    )


def _filesystem(settings: FilesystemSettings, drawn: int) -> Filesystem:
    return Filesystem(
        settings.time_grain_ms,
        settings.birth_time,
        settings.inode_reuse,
        -1 if settings.inode_stable else settings.inode_forget_ms,
        settings.ctime_drift_ms,
        settings.attribute_cache_ms,
        settings.links_share_inode,
        settings.copy_up,
        settings.clock.draw(random.Random(program_seed(drawn ^ _CLOCKS, _SERVER)))
        if settings.clock is not None
        else None,
        settings.ctime_own,
        -1 if settings.stamps_stable else settings.inode_forget_ms,
    )


def _left_lock(scenario: Scenario, drawn: int) -> LeftLock | None:
    """Return the lock file of a dead process; it has a generator of its own, as each fault has."""
    left = scenario.left_lock
    if left is None:
        return None
    return LeftLock(left.process, pick(random.Random(program_seed(drawn ^ _LEFT_LOCK, 0)), left.age_ms))


def _with_faults(scenario: Scenario, drawn: int, lanes: list[LaneProgram]) -> list[LaneProgram]:
    """Return the lanes with their faults.

    Each kind of fault has a generator of its own, so that neither the rest of the scenario nor
    other faults change which operations it hits.
    """
    for number, fault in enumerate(scenario.faults):
        rng = random.Random(program_seed(drawn ^ _FAULTS, number))
        lanes = _hit(fault, rng, lanes, [lane for lane in scenario.lanes for _ in lane.names()])
    return lanes


def _hit(
    fault: FaultSettings, rng: random.Random, lanes: list[LaneProgram], settings: Sequence[LaneSettings]
) -> list[LaneProgram]:
    """Return the lanes with one kind of fault in some of the operations that it may hit."""
    places = [
        (lane, number)
        for lane, program in enumerate(lanes)
        if fault.lane in (program.name, program.role, settings[lane].name)
        for number, op in enumerate(program.ops)
        if op.kind in fault.operations
    ]
    hit: dict[tuple[int, int], Fault] = {}
    for _ in range(min(pick(rng, fault.times), len(places))):
        made = _made(fault, rng)
        hit[places.pop(int(rng.random() * len(places)))] = made
    return [
        msgspec.structs.replace(
            program,
            ops=tuple(
                msgspec.structs.replace(op, faults=(*op.faults, hit[lane, number]))
                if (lane, number) in hit
                else op
                for number, op in enumerate(program.ops)
            ),
        )
        for lane, program in enumerate(lanes)
    ]


def _made(fault: FaultSettings, rng: random.Random) -> Fault:
    """Return one fault of a kind, with every argument drawn."""
    keep = int(rng.random() * _KEEP_ALL) if fault.cut else -1
    nth = pick(rng, fault.nth)
    file = fault.file
    if file is None:
        file = "lock" if fault.call in LOCKING else "transcript" if fault.error or fault.cut else "any"
    made = Fault(fault.call or "", recorded_name(fault.error or ""), keep, nth, file)
    for key, span in fault.process_faults.items():
        made = made.with_process_fault(key, 0 if span is True else pick(rng, span))
    return made


def _initial(scenario: Scenario, rng: random.Random) -> tuple[Entry, ...]:
    """Return the header and the initial conversation; nothing where there is no file."""
    if not scenario.transcript.exists:
        return ()
    ids = Ids(_BEFORE, scenario.transcript.entry_bytes)
    header = make_header(ids.next(), scenario.transcript.version)
    count = pick(rng, scenario.transcript.entries)
    return (header, *(ids.entry(rng, choose(rng, _CONVERSATION)) for _ in range(count)))
