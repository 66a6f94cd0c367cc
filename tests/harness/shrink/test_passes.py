"""Passes propose smaller and lawful variants, and the same ones each time."""

from __future__ import annotations

import contextlib
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.history import Step
from harness.model.program import Entry, Fault, Filesystem, LaneProgram, Op, Program
from harness.model.schedule import Choice
from harness.oracle import Violation
from harness.shrink.passes import PASSES
from harness.shrink.passes.earlier_window import earlier_window
from harness.shrink.passes.fewer_faults import fewer_faults
from harness.shrink.passes.fewer_groups import fewer_groups
from harness.shrink.passes.fewer_lanes import fewer_lanes
from harness.shrink.passes.fewer_operations import fewer_operations
from harness.shrink.passes.fewer_switches import fewer_switches
from harness.shrink.passes.merge_blocks import merge_blocks
from harness.shrink.passes.pull_up import pull_up
from harness.shrink.passes.reorder import reorder
from harness.shrink.passes.shorter_transcript import shorter_transcript
from harness.shrink.passes.shorter_waits import shorter_waits
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant
from tests.harness.shrink.stage import drawn, drive, is_lawful, reproduction

SCENARIOS = ("quickstart", "rogue-zoo", "busy-gateway", "laundering-by-own-writer", "recovery")


def one_after_the_other(program: Program, seed: int) -> list[Choice]:
    """Return one step for each operation, lanes at random."""
    rng = random.Random(seed)
    left = [[Choice(lane, op, 0) for op in range(len(one.ops))] for lane, one in enumerate(program.lanes)]
    order = []
    while any(left):
        order.append(rng.choice([lane for lane in left if lane]).pop(0))
    return order


def decisions(program: Program) -> list[tuple[int, int]]:
    """Return every guarded write, by lane and operation."""
    return [
        (lane, op)
        for lane, one in enumerate(program.lanes)
        for op, call in enumerate(one.ops)
        if call.kind == "guarded_write"
    ]


def start(scenario: str, seed: int) -> Reproduction:
    program = drawn(scenario, seed)
    lane, op = decisions(program)[0]
    violation = Violation("missed_takeover", 0, lane, op, "made up")
    return reproduction(program, one_after_the_other(program, seed), violation, picks=1)


def kinds(program: Program) -> list[list[str]]:
    return [[op.kind for op in lane.ops] for lane in program.lanes]


@given(
    scenario=st.sampled_from(SCENARIOS),
    seed=st.integers(0, 1 << 32),
    accepts=st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=60)
def test_every_pass_proposes_lawful_callers_only(scenario: str, seed: int, accepts: random.Random) -> None:
    best = start(scenario, seed)
    assert is_lawful(best.program)
    for one in PASSES:
        proposed, best = drive(one, best, lambda _: accepts.random() < 0.5)
        assert all(is_lawful(variant.program) for variant in proposed), one
        # Where the violation shows moves with what is left out before it.
        lane, op = decisions(best.program)[0] if decisions(best.program) else (0, -1)
        violation = Violation("missed_takeover", 0, lane, op, "made up")
        best = reproduction(best.program, best.choices, violation, picks=1)


@given(scenario=st.sampled_from(SCENARIOS), seed=st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=30)
def test_every_choice_is_of_an_operation_that_is_left(scenario: str, seed: int) -> None:
    for one in PASSES:
        proposed, _ = drive(one, start(scenario, seed), lambda _: True)
        for variant in proposed:
            assert all(
                choice.op < len(variant.program.lanes[choice.lane].ops) for choice in variant.choices
            ), one


def test_a_lane_that_does_not_matter_is_removed() -> None:
    best = start("rogue-zoo", 1)

    def accepts(variant: Variant) -> bool:
        kinds = {op.kind for lane in variant.program.lanes for op in lane.ops}
        return {"action", "guarded_write"} <= kinds

    _, best = drive(fewer_lanes, best, accepts)
    assert sum(1 for lane in best.program.lanes if lane.ops) == 2


def test_the_deciding_lane_may_be_removed_but_never_every_lane() -> None:
    first = start("rogue-zoo", 1)

    def accepts(variant: Variant) -> bool:
        return any(op.kind == "action" for lane in variant.program.lanes for op in lane.ops)

    proposed, best = drive(fewer_lanes, first, accepts)
    assert not best.program.lanes[first.violation.lane].ops
    assert sum(1 for lane in best.program.lanes if lane.ops) == 1
    assert all(any(lane.ops for lane in variant.program.lanes) for variant in proposed)


def test_only_the_group_that_matters_stays() -> None:
    best = start("busy-gateway", 3)
    wanted = [op for lane in best.program.lanes for op in lane.ops if op.kind == "append" and op.turn < 0][-1]

    def accepts(variant: Variant) -> bool:
        return any(op == wanted for lane in variant.program.lanes for op in lane.ops)

    _, best = drive(fewer_groups, best, accepts)
    left = [kind for lane in kinds(best.program) for kind in lane]
    assert left.count("acquire") == left.count("release") == 1
    assert left.count("begin_turn") == 1  # the violation's


def test_a_turn_keeps_only_the_operations_its_order_needs() -> None:
    best = start("quickstart", 2)
    _, best = drive(fewer_operations, best, lambda _: True)
    runner = next(lane for lane in kinds(best.program) if "load" in lane)
    assert runner == ["begin_turn", "load", "release_for_prompt", "guarded_write", "end_turn"]


def test_the_header_of_the_transcript_stays() -> None:
    best = start("quickstart", 2)
    assert len(best.program.initial) > 1
    _, after = drive(shorter_transcript, best, lambda _: True)
    assert after.program.initial == best.program.initial[:1]


def lasting(program: Program, lane: int, op: int) -> int:
    call = program.lanes[lane].ops[op]
    return call.steps or call.duration_ms


@pytest.mark.parametrize("enough", [1, 2, 17, 30])
def test_thinking_is_shortened_to_its_need(enough: int) -> None:
    program = drawn("guard-size", 1)
    (op,) = [op for op, call in enumerate(program.lanes[0].ops) if call.kind == "think"]
    assert lasting(program, 0, op) >= enough
    _, best = drive(
        shorter_waits,
        reproduction(program, thinking(program, op)),
        lambda variant: lasting(variant.program, 0, op) >= enough,
    )
    assert lasting(best.program, 0, op) == enough


@pytest.mark.parametrize("enough", [1, 2, 13, 25])
def test_a_pause_is_shortened_to_about_its_need(enough: int) -> None:
    program = drawn("guard-size", 1)
    (op,) = [op for op, call in enumerate(program.lanes[1].ops) if call.kind == "pause"]
    before = lasting(program, 1, op)
    assert before >= enough
    _, best = drive(
        shorter_waits, reproduction(program), lambda variant: lasting(variant.program, 1, op) >= enough
    )
    assert enough <= lasting(best.program, 1, op) <= enough + before // 8 + 1


def test_switches_that_do_not_matter_are_removed() -> None:
    best = start("quickstart", 5)
    wanted = best.switches()[4]
    kept: list[Variant] = []

    def accepts(variant: Variant) -> bool:
        assert variant.switches is not None
        if wanted in variant.switches:
            kept.append(variant)
            return True
        return False

    # Nothing runs here, so the choices keep their length: only the proposals are checked.
    drive(fewer_switches, best, accepts)
    assert kept
    assert all(
        variant.switches is not None and len(variant.switches) < len(best.switches()) for variant in kept
    )


def blocks(*lanes_in_order: int) -> list[Choice]:
    taken = [0] * (max(lanes_in_order) + 1)
    order = []
    for lane in lanes_in_order:
        order.append(Choice(lane, 0, taken[lane]))
        taken[lane] += 1
    return order


def thinking(program: Program, op: int) -> list[Choice]:
    return [Choice(0, op, ordinal) for ordinal in range(program.lanes[0].ops[op].steps)]


def went(best: Reproduction) -> list[int]:
    return [choice.lane for choice in best.choices]


def test_blocks_of_one_lane_are_merged() -> None:
    best = reproduction(drawn("quickstart", 1), blocks(0, 0, 1, 0, 1, 0, 0))
    _, after = drive(merge_blocks, best, lambda _: True)
    assert sorted(went(after)) == sorted(went(best))
    assert after.size.switches == 1


def test_a_block_moves_as_early_as_the_violation_shows() -> None:
    best = reproduction(drawn("quickstart", 1), blocks(0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0))

    def accepts(variant: Variant) -> bool:
        return [choice.lane for choice in variant.choices].index(1) >= 3

    _, after = drive(earlier_window, best, accepts)
    assert went(after) == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]


def in_the_turn(*operations: int) -> Reproduction:
    """Return a runner's turn of two steps an operation, with steps of another lane inside some of them."""
    program = drawn("quickstart", 1)
    (other,) = [at for at, op in enumerate(program.lanes[1].ops) if op.kind == "acquire"][:1]
    choices = []
    for op, _ in enumerate(program.lanes[0].ops):
        choices.append(Choice(0, op, 0))
        if op in operations:
            choices += [Choice(1, other, 2 * op), Choice(1, other, 2 * op + 1)]
        choices.append(Choice(0, op, 1))
    return reproduction(program, choices, Violation("missed_takeover", 0, 1, 0, "made up"))


def test_inner_steps_are_tried_behind_each_earlier_step_last_first() -> None:
    program = drawn("quickstart", 1)
    (decides,) = [op for lane, op in decisions(program) if lane == 0][:1]
    best = in_the_turn(decides)
    proposed, after = drive(pull_up, best, lambda _: False)
    assert after == best
    others = [[at for at, choice in enumerate(variant.choices) if choice.lane == 1] for variant in proposed]
    assert others == [[at, at + 1] for at in range(2 * decides, 0, -1)]
    assert all(len(variant.choices) == len(best.choices) - 2 for variant in proposed)
    assert {len(variant.program.lanes[0].ops) for variant in proposed} == {len(program.lanes[0].ops) - 1}


def test_inner_steps_stay_behind_earlier_steps_of_their_lane() -> None:
    (decides,) = [op for lane, op in decisions(drawn("quickstart", 1)) if lane == 0][:1]
    best = in_the_turn(1, decides)

    def places(variant: Variant) -> list[int]:
        return [at for at, choice in enumerate(variant.choices) if choice.lane == 1]

    proposed, after = drive(pull_up, best, lambda variant: places(variant)[2] == 8)
    assert places(after.variant) == [3, 4, 8, 9]
    assert len(after.program.lanes[0].ops) == len(best.program.lanes[0].ops) - 1
    # The other two steps stand before: nothing is pulled past them.
    proposed, _ = drive(pull_up, best, lambda _: False)
    assert min(places(variant)[2] for variant in proposed) == 6


def test_nothing_is_pulled_out_of_deciding_undisturbed_or_needed_operations() -> None:
    (decides,) = [op for lane, op in decisions(drawn("quickstart", 1)) if lane == 0][:1]
    best = in_the_turn(decides)
    violation = Violation("missed_takeover", 0, 0, decides, "made up")
    assert not list(pull_up(msgspec.structs.replace(best, violation=violation)))
    assert not list(pull_up(in_the_turn()))
    # Nor out of operations that a turn needs.
    assert not list(pull_up(in_the_turn(0, 1)))


def naming(best: Reproduction, *lanes_named: int) -> Reproduction:
    """Return the same with a violation whose causes are steps of these lanes."""
    events = tuple(Step(lane, 0, "write") for lane in lanes_named)
    return msgspec.structs.replace(
        best,
        history=msgspec.structs.replace(best.history, events=events),
        violation=msgspec.structs.replace(
            best.violation, lane=lanes_named[0], causes=tuple(range(len(events)))
        ),
    )


def _orders(best: Reproduction) -> list[list[tuple[int, int, int]]]:
    """Return all new orders that are proposed where lanes 0 and 2 take three steps and two."""
    answer = Answer(None, False, False, True, True, tuple(blocks(0, 0, 0, 2, 2)))
    proposals = reorder(best)
    variant = next(proposals)
    tried = []
    with contextlib.suppress(StopIteration):
        while True:
            tried.append([(choice.lane, choice.op, choice.ordinal) for choice in variant.choices])
            variant = proposals.send(answer)
    return tried


def test_two_named_lanes_are_tried_alone_in_every_new_order() -> None:
    best = naming(start("busy-gateway", 1), 0, 2)
    variant = next(reorder(best))
    assert [bool(lane.ops) for lane in variant.program.lanes] == [
        number in (0, 2) for number in range(len(variant.program.lanes))
    ]
    tried = _orders(best)
    whole, pieces = tried[:5], tried[5:]
    starts = [order[0] for order in whole]
    assert [len(order) for order in whole] == [2, 3, 3, 2, 3]
    assert starts[1:3] == [(0, 0, 0), (0, 0, 1)]
    assert starts[4] == (2, 0, 0)
    # Then in two pieces, one of them up to the end of an operation that is not the last one.
    far = whole[0][0][2]
    lengths = {number: len(best.program.lanes[number].ops) for number in (0, 2)}
    assert pieces == [
        [
            (around, 0, at),
            (inside, op, far),
            (around, lengths[around] - 1, far),
            (inside, lengths[inside] - 1, far),
        ]
        for around, inside, places in ((0, 2, 2), (2, 0, 1))
        for at in range(places)
        for op in range(lengths[inside] - 1)
    ]


def test_two_pieces_are_tried_inside_named_operations_only() -> None:
    best = naming(start("busy-gateway", 1), 0, 2)
    assert len(_orders(best)) == 20
    other = tuple(msgspec.structs.replace(step, op=1) for step in best.history.events)
    history = msgspec.structs.replace(best.history, events=other)
    assert len(_orders(msgspec.structs.replace(best, history=history))) == 5


def test_a_short_order_of_two_lanes_is_not_searched_again() -> None:
    best = start("busy-gateway", 1)
    pair = reproduction(best.program, blocks(0, 2, 0), best.violation)
    gone = [
        lane if number in (0, 2) else msgspec.structs.replace(lane, ops=())
        for number, lane in enumerate(pair.program.lanes)
    ]
    pair = msgspec.structs.replace(pair, program=msgspec.structs.replace(pair.program, lanes=tuple(gone)))
    assert not list(reorder(naming(pair, 0, 2)))
    assert not list(reorder(naming(best, 0)))
    assert not list(reorder(naming(best, 0, 1, 2)))


@given(scenario=st.sampled_from(SCENARIOS), seed=st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=20)
def test_a_pass_proposes_the_same_variants_each_time(scenario: str, seed: int) -> None:
    for one in PASSES:
        first, _ = drive(one, start(scenario, seed), lambda variant: len(variant.choices) % 3 > 0)
        again, _ = drive(one, start(scenario, seed), lambda variant: len(variant.choices) % 3 > 0)
        assert first == again


@pytest.mark.parametrize("name", ["stop_ms", "slow_ms", "ahead_ms"])
def test_a_lasting_fault_is_shortened_to_about_its_need(name: str) -> None:
    faults_of_one = (Fault("write", "ENOSPC"), Fault(nth=2, file="any", **{name: 60_000}), Fault(stop_ms=0))
    op = Op("append", group=1, entries=(Entry("a", "user", "a"),), faults=faults_of_one)
    lanes_of_one = (LaneProgram("one", "cron", "p", True, (op, op)),)
    begun = reproduction(Program(lanes_of_one, (), Filesystem(), 0), [Choice(0, 0, 0), Choice(0, 1, 0)])

    def lasts(variant: Variant) -> list[int]:
        return [getattr(one.faults[1], name) for one in variant.program.lanes[0].ops]

    _, best = drive(shorter_waits, begun, lambda variant: lasts(variant)[0] >= 700)
    assert 700 <= lasts(best.variant)[0] < 700 + 60_000 // 8 and lasts(best.variant)[1] == 1
    assert [one.faults[0] for one in best.program.lanes[0].ops] == [Fault("write", "ENOSPC")] * 2
    assert best.size < begun.size


def test_needless_faults_are_removed_with_the_steps_they_took() -> None:
    def op(*faults: Fault) -> Op:
        return Op("append", group=1, entries=(Entry("a", "user", "a"),), faults=faults)

    stop, full = Fault(nth=2, file="any", stop_ms=9), Fault("write", "ENOSPC")
    lanes = (LaneProgram("one", "cron", "p", True, (op(stop), op(full))),)
    calls = [
        (0, "openat", ""),
        (0, "stop", "stop"),
        (0, "write", ""),
        (1, "openat", ""),
        (1, "write", "ENOSPC"),
    ]
    steps = [Step(0, number, call, "T", fault=fault) for number, call, fault in calls]
    choices = [Choice(0, 0, 0), Choice(0, 0, 1), Choice(0, 0, 2), Choice(0, 1, 0), Choice(0, 1, 1)]
    begun = reproduction(Program(lanes, (), Filesystem(), 0), choices)
    history = msgspec.structs.replace(begun.history, events=(*steps, *begun.history.events))
    begun = msgspec.structs.replace(begun, history=history)

    def has(variant: Variant, fault: Fault) -> bool:
        return any(fault in one.faults for one in variant.program.lanes[0].ops)

    proposed, best = drive(fewer_faults, begun, lambda variant: has(variant, full))
    assert [one.faults for one in best.program.lanes[0].ops] == [(), (full,)]
    assert best.choices == (Choice(0, 0, 0), Choice(0, 0, 1), Choice(0, 1, 0), Choice(0, 1, 1))
    assert best.size < begun.size
    _, kept = drive(fewer_faults, begun, lambda variant: has(variant, stop) and has(variant, full))
    assert kept == begun
    assert all(len(variant.program.lanes[0].ops) == 2 for variant in proposed)
