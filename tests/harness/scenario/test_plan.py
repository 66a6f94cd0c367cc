from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.model.history import LaneInfo
from harness.model.program import Fault, Filesystem, Program
from harness.model.transcript_lines import TYPES
from harness.scenario import Scenario, load, load_data
from harness.scenario.actions import _MODULES
from harness.scenario.plan import draw, lanes_of, program_seed
from harness.scenario.reader import read
from tests.harness.scenario.examples import FULL, SMALL, write

EXAMPLE = load_data({"name": "example", **read("example", FULL).data})
START_NS = 1_767_225_600 * 10**9


def scenario(tmp_path: Path, text: str = FULL) -> Scenario:
    return load(write(tmp_path, text))


def text_of(program: Program) -> bytes:
    return msgspec.json.encode(program)


def test_lanes_are_written_out_in_order_each_in_its_process(tmp_path: Path) -> None:
    assert lanes_of(scenario(tmp_path)) == (
        LaneInfo("main", "runner", "gateway", True),
        LaneInfo("cron-1", "cron", "cron-1", True),
        LaneInfo("cron-2", "cron", "cron-2", True),
        LaneInfo("ingress", "ingress", "gateway", True),
        LaneInfo("compactor", "compactor", "compactor", True),
        LaneInfo("editor", "editor", "editor", False),
        LaneInfo("other", "editor", "other", False),
    )


def test_a_program_has_the_lanes_of_its_scenario(tmp_path: Path) -> None:
    found = scenario(tmp_path)
    program = draw(found, 1, 0)
    assert lanes_of(found) == tuple(
        LaneInfo(lane.name, lane.role, lane.process, lane.participant) for lane in program.lanes
    )


def test_the_same_numbers_draw_the_same_program(tmp_path: Path) -> None:
    found = scenario(tmp_path)
    for schedule in range(20):
        assert text_of(draw(found, 7, schedule)) == text_of(draw(found, 7, schedule))


def test_another_process_draws_the_same_program(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    code = (
        "import sys, msgspec; from harness.scenario.plan import draw; from harness.scenario import load;"
        f"sys.stdout.buffer.write(msgspec.json.encode(draw(load({str(path)!r}), 7, 3)))"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONHASHSEED": "5"}
    run = subprocess.run(command, capture_output=True, check=True, timeout=600, env=environment)
    assert run.stdout == text_of(draw(load(path), 7, 3))


def test_seeds_and_schedules_draw_different_programs(tmp_path: Path) -> None:
    found = scenario(tmp_path)
    programs = {text_of(draw(found, seed, schedule)) for seed in range(10) for schedule in range(10)}
    assert len(programs) == 100


def test_a_seed_keeps_its_meaning_and_no_two_are_alike() -> None:
    assert program_seed(0, 0) == 0x238275BC38FCBE91
    assert program_seed(1, 2) == 0x1CF38A51A82265F3
    seeds = (*range(-50, 50), 1 << 64, 1 << 100, (7 << 64) + 7)
    assert len({program_seed(seed, schedule) for seed in seeds for schedule in range(20)}) == 103 * 20
    assert all(0 <= program_seed(seed, 2**70) < 2**64 for seed in (-1, 0, 2**200))


@given(st.integers(0, 2**64), st.integers(0, 2**32))
def test_draws_respect_the_scenario(seed: int, schedule: int) -> None:
    program = draw(EXAMPLE, seed, schedule)
    assert len(program.initial) == 1 + 3
    assert program.initial[0].type == "session"
    everything = [*program.initial, *(e for lane in program.lanes for op in lane.ops for e in op.entries)]
    ids = [entry.id for entry in everything]
    assert len(ids) == len(set(ids))
    assert {entry.type for entry in everything} <= set(TYPES)
    assert all(
        entry.id.startswith(f"{lane.name}-")
        for lane in program.lanes
        for op in lane.ops
        for entry in op.entries
    )
    assert 0 <= program.clock_start_ns - START_NS < 10 * 10**9
    assert program.clock_start_ns % 1_000_000 == 0
    assert program.step_ns == 2_000_000
    assert program.filesystem == Filesystem(1000, False, "never")
    runner = program.lanes[0]
    assert {len(op.entries) for op in runner.ops if op.kind == "guarded_write"} == {2}
    assert msgspec.json.decode(text_of(program), type=Program) == program


def test_a_linked_transcript_changes_nothing_else_of_a_program(tmp_path: Path) -> None:
    plain = scenario(tmp_path, SMALL)
    linked = scenario(tmp_path, SMALL.replace("expect:", "transcript: {symlink: true}\nexpect:"))
    assert draw(linked, 1, 2) == msgspec.structs.replace(draw(plain, 1, 2), symlink=True)
    assert not draw(plain, 1, 2).symlink


def test_a_transcript_may_be_of_an_older_version_or_not_there(tmp_path: Path) -> None:
    plain, older, missing = (
        draw(scenario(tmp_path, SMALL.replace("expect:", f"transcript: {{{key}}}\nexpect:")), 1, 2).initial
        for key in ("symlink: false", "version: 2", "exists: false")
    )
    assert '"version":3' in plain[0].line and plain[1:]
    assert (older[0].line, older[1:]) == (plain[0].line.replace('"version":3', '"version":2'), plain[1:])
    assert missing == ()


def test_the_clock_starts_at_every_phase_of_a_tick(tmp_path: Path) -> None:
    found = scenario(tmp_path, SMALL)
    phases = {draw(found, 1, schedule).clock_start_ns // 1_000_000 % 4 for schedule in range(50)}
    assert phases == {0, 1, 2, 3}


RUNNER_FAULT = (
    "{lane: runner, operations: [guarded_write], call: write, error: ENOSPC, cut: true, times: [0, 2]}"
)
HEARTBEAT_FAULT = "{lane: heartbeat, call: openat, error: EIO, nth: [1, 3], file: beside, times: 1}"
BUSY = SMALL.replace("- role: runner", "- {role: runner, rounds: [1, 4]}")


def with_faults(tmp_path: Path, *faults: str) -> Scenario:
    text = BUSY + ("faults:\n" + "".join(f"  - {fault}\n" for fault in faults) if faults else "")
    return scenario(tmp_path, text)


def hits(program: Program) -> dict[tuple[str, int], tuple[Fault, ...]]:
    return {
        (lane.name, number): op.faults
        for lane in program.lanes
        for number, op in enumerate(lane.ops)
        if op.faults
    }


def without_faults(program: Program) -> Program:
    replace = msgspec.structs.replace
    lanes = [replace(lane, ops=tuple(replace(op, faults=()) for op in lane.ops)) for lane in program.lanes]
    return replace(program, lanes=tuple(lanes))


def test_a_program_without_faults_mentions_none(tmp_path: Path) -> None:
    assert b"faults" not in text_of(draw(scenario(tmp_path, SMALL), 7, 3))


def test_faults_change_nothing_else_in_a_program(tmp_path: Path) -> None:
    plain, faulty = with_faults(tmp_path), with_faults(tmp_path, RUNNER_FAULT, HEARTBEAT_FAULT)
    for schedule in range(50):
        assert text_of(without_faults(draw(faulty, 1, schedule))) == text_of(draw(plain, 1, schedule))


def test_a_fault_is_drawn_independently_of_later_ones(tmp_path: Path) -> None:
    alone, both = with_faults(tmp_path, RUNNER_FAULT), with_faults(tmp_path, RUNNER_FAULT, HEARTBEAT_FAULT)
    for schedule in range(50):
        runners = {place: hit for place, hit in hits(draw(both, 1, schedule)).items() if place[0] == "runner"}
        assert runners == hits(draw(alone, 1, schedule))


def test_faults_hit_the_operations_and_lanes_that_they_are_for(tmp_path: Path) -> None:
    found = with_faults(tmp_path, RUNNER_FAULT, HEARTBEAT_FAULT)
    counts: set[int] = set()
    keeps: set[int] = set()
    places: set[int] = set()
    for schedule in range(300):
        program = draw(found, 1, schedule)
        hit = hits(program)
        runner = {number: faults for (name, number), faults in hit.items() if name == "runner"}
        assert all(program.lanes[0].ops[number].kind == "guarded_write" for number in runner)
        for (fault,) in runner.values():
            assert (fault.call, fault.error, fault.nth, fault.file) == ("write", "ENOSPC", 1, "transcript")
            keeps.add(fault.keep_permille)
        counts.add(len(runner))
        ((fault,),) = [faults for (name, _), faults in hit.items() if name == "heartbeat"]
        assert (fault.call, fault.error, fault.file, fault.keep_permille) == ("openat", "EIO", "beside", -1)
        assert fault.nth in (1, 2, 3)
        places |= {number for name, number in hit if name == "heartbeat"}
    assert counts == {0, 1, 2}
    assert min(keeps) >= 0 and max(keeps) < 1000 and len(keeps) > 100
    assert len(places) > 3


def test_there_are_never_more_faults_than_operations_for_them(tmp_path: Path) -> None:
    fault = "{lane: heartbeat, operations: [acquire], call: openat, error: EIO, times: 50}"
    for schedule in range(20):
        program = draw(with_faults(tmp_path, fault), 1, schedule)
        acquires = sum(op.kind == "acquire" for op in program.lanes[1].ops)
        assert len(hits(program)) == acquires


def test_a_fault_hits_a_lane_a_group_or_a_role(tmp_path: Path) -> None:
    lanes = "  - {role: cron, name: job, count: 2}\n  - {role: cron}\nexpect:"
    for name, hit in (
        ("job-2", {"job-2"}),
        ("job", {"job-1", "job-2"}),
        ("cron", {"job-1", "job-2", "cron"}),
    ):
        fault = f"{{lane: {name}, call: write, error: EIO, times: 50}}"
        text = SMALL.replace("expect:", lanes) + f"faults: [{fault}]\n"
        assert {lane for lane, _ in hits(draw(scenario(tmp_path, text), 1, 0))} == hit


def test_a_process_fault_is_drawn_completely(tmp_path: Path) -> None:
    found = with_faults(
        tmp_path,
        "{lane: runner, kill: true, nth: [1, 3]}",
        "{lane: heartbeat, call: write, cut: true, kill: true}",
        "{lane: heartbeat, operations: [release], stop_ms: [5, 7]}",
        "{lane: runner, call: write, slow_ms: 20, file: lock}",
        "{lane: runner, ahead_ms: 0}",
        "{lane: runner, call: flock, error: EINTR}",
    )
    made: dict[int, set[Fault]] = {}
    for schedule in range(30):
        for faults in hits(draw(found, 1, schedule)).values():
            for fault in faults:
                kind = (0 if not fault.call else 1) if fault.kill else 2 if fault.stop_ms >= 0 else 3
                made.setdefault(kind, set()).add(fault)
    assert made[0] == {Fault(nth=nth, file="any", kill=True) for nth in (1, 2, 3)}
    assert {(one.call, one.file) for one in made[1]} == {("write", "transcript")}
    assert len({one.keep_permille for one in made[1]}) > 1
    assert made[2] == {Fault(file="any", stop_ms=lasts) for lasts in (5, 6, 7)}
    assert made[3] == {
        Fault("write", file="lock", slow_ms=20),
        Fault(file="any", ahead_ms=0),
        Fault("flock", "EINTR", file="lock"),
    }


def test_a_program_with_faults_survives_its_text_form(tmp_path: Path) -> None:
    program = draw(with_faults(tmp_path, RUNNER_FAULT, HEARTBEAT_FAULT), 1, 2)
    assert hits(program)
    assert msgspec.json.decode(text_of(program), type=Program) == program


def test_a_seed_draws_the_programs_it_always_drew() -> None:
    """Seeds that documents and stored results name must not come to mean other programs."""
    first = [name for module in _MODULES[:-1] for name in [action.name for action in module.MEMBERS]]
    named = read("example", FULL.replace("actions: all", f"actions: [{', '.join(first)}]"))
    for data, mark in (
        # The actions that there were when these were drawn.
        (named.data, "931625c35aa7c12ca654c12b7b0a036ac3d08ce6669e6b583aa60c06ca82e54e"),
        (read("example", FULL).data, "907200258fd72b70cba52c0112e0d6ddb2f0c897c9fc036c286c94c55ebaf147"),
    ):
        made = load_data({"name": "example", **data})
        drawn = b"".join(text_of(draw(made, seed, at)) for seed in (7, 1 << 90) for at in range(20))
        assert hashlib.sha256(drawn).hexdigest() == mark


def test_a_left_lock_has_an_age_and_changes_nothing_else(tmp_path: Path) -> None:
    plain = scenario(tmp_path)
    made = scenario(
        tmp_path, FULL.replace("expect:", "left_lock: {process: gateway, age_ms: [5, 9]}\nexpect:", 1)
    )
    left = [draw(made, 1, at).left_lock for at in range(30)]
    assert {one.process for one in left if one} == {"gateway"}
    assert {one.age_ms for one in left if one} == {5, 6, 7, 8, 9}
    assert msgspec.structs.replace(draw(made, 1, 2), left_lock=None) == draw(plain, 1, 2)
    assert made.faulty


def test_a_lane_keeps_the_name_of_its_other_transcript(tmp_path: Path) -> None:
    made = scenario(tmp_path, SMALL.replace("expect:", "  - {role: cron, transcript: other}\nexpect:"))
    assert [lane.transcript for lane in lanes_of(made)] == ["", "", "other"]
    assert [lane.transcript for lane in draw(made, 1, 0).lanes] == ["", "", "other"]
    assert made.faulty
