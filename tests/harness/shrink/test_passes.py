"""Passes propose what is smaller, lawful, and nothing at random."""

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
from harness.shrink.candidate import Case, Shown
from harness.shrink.passes import PASSES
from harness.shrink.passes.earlier_window import earlier
from harness.shrink.passes.fewer_faults import faults
from harness.shrink.passes.fewer_groups import groups
from harness.shrink.passes.fewer_lanes import lanes
from harness.shrink.passes.fewer_operations import operations
from harness.shrink.passes.fewer_switches import switches
from harness.shrink.passes.merge_blocks import merges
from harness.shrink.passes.pull_up import pulled
from harness.shrink.passes.reorder import afresh
from harness.shrink.passes.shorter_transcript import initial
from harness.shrink.passes.shorter_waits import waits
from harness.shrink.shrink_pass import Answer
from tests.harness.shrink.stage import drawn, drive, is_lawful, shown

SCENARIOS = ("quickstart", "rogue-zoo", "busy-gateway", "laundering-by-own-writer", "recovery")


def one_after_the_other(program: Program, seed: int) -> list[Choice]:
    """Every operation a step, lanes at random."""
    rng = random.Random(seed)
    left = [[Choice(lane, op, 0) for op in range(len(one.ops))] for lane, one in enumerate(program.lanes)]
    order = []
    while any(left):
        order.append(rng.choice([lane for lane in left if lane]).pop(0))
    return order


def decisions(program: Program) -> list[tuple[int, int]]:
    """Every guarded write, by lane and operation."""
    return [
        (lane, op)
        for lane, one in enumerate(program.lanes)
        for op, call in enumerate(one.ops)
        if call.kind == "guarded_write"
    ]


def start(scenario: str, seed: int) -> Shown:
    program = drawn(scenario, seed)
    lane, op = decisions(program)[0]
    violation = Violation("missed_takeover", 0, lane, op, "made up")
    return shown(program, one_after_the_other(program, seed), violation, picks=1)


def kinds(program: Program) -> list[list[str]]:
    return [[op.kind for op in lane.ops] for lane in program.lanes]


@given(
    scenario=st.sampled_from(SCENARIOS),
    seed=st.integers(0, 1 << 32),
    accepts=st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=60)
def test_no_pass_proposes_what_no_lawful_caller_does(
    scenario: str, seed: int, accepts: random.Random
) -> None:
    best = start(scenario, seed)
    assert is_lawful(best.program)
    for one in PASSES:
        proposed, best = drive(one, best, lambda _: accepts.random() < 0.5)
        assert all(is_lawful(case.program) for case in proposed), one
        # Where the violation shows moves with what is left out before it.
        lane, op = decisions(best.program)[0] if decisions(best.program) else (0, -1)
        violation = Violation("missed_takeover", 0, lane, op, "made up")
        best = shown(best.program, best.choices, violation, picks=1)


@given(scenario=st.sampled_from(SCENARIOS), seed=st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=30)
def test_every_choice_that_is_left_is_one_of_an_operation_that_is_left(scenario: str, seed: int) -> None:
    for one in PASSES:
        proposed, _ = drive(one, start(scenario, seed), lambda _: True)
        for case in proposed:
            assert all(choice.op < len(case.program.lanes[choice.lane].ops) for choice in case.choices), one


def test_a_lane_that_does_not_matter_goes() -> None:
    best = start("rogue-zoo", 1)

    def accepts(case: Case) -> bool:
        kinds = {op.kind for lane in case.program.lanes for op in lane.ops}
        return {"action", "guarded_write"} <= kinds

    _, best = drive(lanes, best, accepts)
    assert sum(1 for lane in best.program.lanes if lane.ops) == 2


def test_the_lane_in_which_the_violation_shows_goes_when_it_does_not_matter_but_never_all_of_them() -> None:
    first = start("rogue-zoo", 1)

    def accepts(case: Case) -> bool:
        return any(op.kind == "action" for lane in case.program.lanes for op in lane.ops)

    proposed, best = drive(lanes, first, accepts)
    assert not best.program.lanes[first.violation.lane].ops
    assert sum(1 for lane in best.program.lanes if lane.ops) == 1
    assert all(any(lane.ops for lane in case.program.lanes) for case in proposed)


def test_of_all_groups_the_one_that_matters_stays() -> None:
    best = start("busy-gateway", 3)
    wanted = [op for lane in best.program.lanes for op in lane.ops if op.kind == "append" and op.turn < 0][-1]

    def accepts(case: Case) -> bool:
        return any(op == wanted for lane in case.program.lanes for op in lane.ops)

    _, best = drive(groups, best, accepts)
    left = [kind for lane in kinds(best.program) for kind in lane]
    assert left.count("acquire") == left.count("release") == 1
    assert left.count("begin_turn") == 1  # the violation's


def test_of_a_turn_only_what_its_order_needs_stays() -> None:
    best = start("quickstart", 2)
    _, best = drive(operations, best, lambda _: True)
    runner = next(lane for lane in kinds(best.program) if "load" in lane)
    assert runner == ["begin_turn", "load", "release_for_prompt", "guarded_write", "end_turn"]


def test_the_header_of_the_transcript_stays() -> None:
    best = start("quickstart", 2)
    assert len(best.program.initial) > 1
    _, after = drive(initial, best, lambda _: True)
    assert after.program.initial == best.program.initial[:1]


def lasting(program: Program, lane: int, op: int) -> int:
    call = program.lanes[lane].ops[op]
    return call.steps or call.duration_ms


@pytest.mark.parametrize("enough", [1, 2, 17, 30])
def test_thinking_comes_down_to_what_is_needed(enough: int) -> None:
    program = drawn("guard-size", 1)
    (op,) = [op for op, call in enumerate(program.lanes[0].ops) if call.kind == "think"]
    assert lasting(program, 0, op) >= enough
    _, best = drive(
        waits, shown(program, thinking(program, op)), lambda case: lasting(case.program, 0, op) >= enough
    )
    assert lasting(best.program, 0, op) == enough


@pytest.mark.parametrize("enough", [1, 2, 13, 25])
def test_a_pause_comes_down_to_about_what_is_needed(enough: int) -> None:
    program = drawn("guard-size", 1)
    (op,) = [op for op, call in enumerate(program.lanes[1].ops) if call.kind == "pause"]
    before = lasting(program, 1, op)
    assert before >= enough
    _, best = drive(waits, shown(program), lambda case: lasting(case.program, 1, op) >= enough)
    assert enough <= lasting(best.program, 1, op) <= enough + before // 8 + 1


def test_switches_that_do_not_matter_go() -> None:
    best = start("quickstart", 5)
    wanted = best.switches()[4]
    kept: list[Case] = []

    def accepts(case: Case) -> bool:
        assert case.switches is not None
        if wanted in case.switches:
            kept.append(case)
            return True
        return False

    # Nobody runs here, so the choices stay as long as they were: look at the proposals alone.
    drive(switches, best, accepts)
    assert kept
    assert all(case.switches is not None and len(case.switches) < len(best.switches()) for case in kept)


def blocks(*lanes_in_order: int) -> list[Choice]:
    taken = [0] * (max(lanes_in_order) + 1)
    order = []
    for lane in lanes_in_order:
        order.append(Choice(lane, 0, taken[lane]))
        taken[lane] += 1
    return order


def thinking(program: Program, op: int) -> list[Choice]:
    return [Choice(0, op, ordinal) for ordinal in range(program.lanes[0].ops[op].steps)]


def went(best: Shown) -> list[int]:
    return [choice.lane for choice in best.choices]


def test_blocks_of_one_lane_are_brought_together() -> None:
    best = shown(drawn("quickstart", 1), blocks(0, 0, 1, 0, 1, 0, 0))
    _, after = drive(merges, best, lambda _: True)
    assert sorted(went(after)) == sorted(went(best))
    assert after.size.switches == 1


def test_a_block_moves_up_to_where_it_may_come_first() -> None:
    best = shown(drawn("quickstart", 1), blocks(0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0))

    def accepts(case: Case) -> bool:
        return [choice.lane for choice in case.choices].index(1) >= 3

    _, after = drive(earlier, best, accepts)
    assert went(after) == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]


def in_the_turn(*operations: int) -> Shown:
    """A runner's turn of which each operation is two steps, and another lane's steps inside some of them."""
    program = drawn("quickstart", 1)
    (other,) = [at for at, op in enumerate(program.lanes[1].ops) if op.kind == "acquire"][:1]
    choices = []
    for op, _ in enumerate(program.lanes[0].ops):
        choices.append(Choice(0, op, 0))
        if op in operations:
            choices += [Choice(1, other, 2 * op), Choice(1, other, 2 * op + 1)]
        choices.append(Choice(0, op, 1))
    return shown(program, choices, Violation("missed_takeover", 0, 1, 0, "made up"))


def test_what_fell_into_an_operation_that_goes_is_tried_after_each_step_before_it_the_last_first() -> None:
    program = drawn("quickstart", 1)
    (decides,) = [op for lane, op in decisions(program) if lane == 0][:1]
    best = in_the_turn(decides)
    proposed, after = drive(pulled, best, lambda _: False)
    assert after == best
    others = [[at for at, choice in enumerate(case.choices) if choice.lane == 1] for case in proposed]
    assert others == [[at, at + 1] for at in range(2 * decides, 0, -1)]
    assert all(len(case.choices) == len(best.choices) - 2 for case in proposed)
    assert {len(case.program.lanes[0].ops) for case in proposed} == {len(program.lanes[0].ops) - 1}


def test_it_comes_to_stand_where_the_violation_shows_and_not_before_others_of_its_lane() -> None:
    (decides,) = [op for lane, op in decisions(drawn("quickstart", 1)) if lane == 0][:1]
    best = in_the_turn(1, decides)

    def places(case: Case) -> list[int]:
        return [at for at, choice in enumerate(case.choices) if choice.lane == 1]

    proposed, after = drive(pulled, best, lambda case: places(case)[2] == 8)
    assert places(after.case) == [3, 4, 8, 9]
    assert len(after.program.lanes[0].ops) == len(best.program.lanes[0].ops) - 1
    # The other two steps stand before: nothing is pulled past them.
    proposed, _ = drive(pulled, best, lambda _: False)
    assert min(places(case)[2] for case in proposed) == 6


def test_nothing_is_pulled_out_of_what_the_violation_shows_in_or_what_nobody_fell_into() -> None:
    (decides,) = [op for lane, op in decisions(drawn("quickstart", 1)) if lane == 0][:1]
    best = in_the_turn(decides)
    violation = Violation("missed_takeover", 0, 0, decides, "made up")
    assert not list(pulled(msgspec.structs.replace(best, violation=violation)))
    assert not list(pulled(in_the_turn()))
    # Nor out of what a turn cannot do without.
    assert not list(pulled(in_the_turn(0, 1)))


def naming(best: Shown, *lanes_named: int) -> Shown:
    """The same with a violation of which the causes are steps of these lanes."""
    events = tuple(Step(lane, 0, "write") for lane in lanes_named)
    return msgspec.structs.replace(
        best,
        history=msgspec.structs.replace(best.history, events=events),
        violation=msgspec.structs.replace(
            best.violation, lane=lanes_named[0], causes=tuple(range(len(events)))
        ),
    )


def _orders(best: Shown) -> list[list[tuple[int, int, int]]]:
    """All orders that are made from nothing, by somebody whose lanes 0 and 2 take three steps and two."""
    answer = Answer(None, False, False, True, True, tuple(blocks(0, 0, 0, 2, 2)))
    proposals = afresh(best)
    case = next(proposals)
    tried = []
    with contextlib.suppress(StopIteration):
        while True:
            tried.append([(choice.lane, choice.op, choice.ordinal) for choice in case.choices])
            case = proposals.send(answer)
    return tried


def test_two_lanes_that_are_named_are_tried_without_the_third_in_every_order_of_one_block() -> None:
    best = naming(start("busy-gateway", 1), 0, 2)
    case = next(afresh(best))
    assert [bool(lane.ops) for lane in case.program.lanes] == [
        number in (0, 2) for number in range(len(case.program.lanes))
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


def test_in_two_pieces_nothing_is_put_into_an_operation_that_nobody_names() -> None:
    best = naming(start("busy-gateway", 1), 0, 2)
    assert len(_orders(best)) == 20
    other = tuple(msgspec.structs.replace(step, op=1) for step in best.history.events)
    history = msgspec.structs.replace(best.history, events=other)
    assert len(_orders(msgspec.structs.replace(best, history=history))) == 5


def test_an_order_that_is_short_and_has_nobody_else_in_it_is_not_sought_again() -> None:
    best = start("busy-gateway", 1)
    pair = shown(best.program, blocks(0, 2, 0), best.violation)
    gone = [
        lane if number in (0, 2) else msgspec.structs.replace(lane, ops=())
        for number, lane in enumerate(pair.program.lanes)
    ]
    pair = msgspec.structs.replace(pair, program=msgspec.structs.replace(pair.program, lanes=tuple(gone)))
    assert not list(afresh(naming(pair, 0, 2)))
    assert not list(afresh(naming(best, 0)))
    assert not list(afresh(naming(best, 0, 1, 2)))


@given(scenario=st.sampled_from(SCENARIOS), seed=st.integers(0, 1 << 32))
@settings(deadline=None, max_examples=20)
def test_a_pass_proposes_the_same_again(scenario: str, seed: int) -> None:
    for one in PASSES:
        first, _ = drive(one, start(scenario, seed), lambda case: len(case.choices) % 3 > 0)
        again, _ = drive(one, start(scenario, seed), lambda case: len(case.choices) % 3 > 0)
        assert first == again


@pytest.mark.parametrize("name", ["stop_ms", "slow_ms", "ahead_ms", "added_ms"])
def test_what_lasts_of_a_fault_comes_down_to_about_what_is_needed(name: str) -> None:
    faults_of_one = (
        Fault("write", "ENOSPC"),
        Fault(nth=2, file="any").with_process_fault(name, 60_000),
        Fault(stop_ms=0),
    )
    op = Op("append", group=1, entries=(Entry("a", "user", "a"),), faults=faults_of_one)
    lanes_of_one = (LaneProgram("one", "cron", "p", True, (op, op)),)
    begun = shown(Program(lanes_of_one, (), Filesystem(), 0), [Choice(0, 0, 0), Choice(0, 1, 0)])

    def lasts(case: Case) -> list[int]:
        return [one.faults[1].process_faults()[name] for one in case.program.lanes[0].ops]

    _, best = drive(waits, begun, lambda case: lasts(case)[0] >= 700)
    assert 700 <= lasts(best.case)[0] < 700 + 60_000 // 8 and lasts(best.case)[1] == 1
    assert [one.faults[0] for one in best.program.lanes[0].ops] == [Fault("write", "ENOSPC")] * 2
    assert best.size < begun.size


def test_faults_that_do_not_matter_are_left_out_with_the_steps_that_they_took() -> None:
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
    begun = shown(Program(lanes, (), Filesystem(), 0), choices)
    history = msgspec.structs.replace(begun.history, events=(*steps, *begun.history.events))
    begun = msgspec.structs.replace(begun, history=history)

    def has(case: Case, fault: Fault) -> bool:
        return any(fault in one.faults for one in case.program.lanes[0].ops)

    proposed, best = drive(faults, begun, lambda case: has(case, full))
    assert [one.faults for one in best.program.lanes[0].ops] == [(), (full,)]
    assert best.choices == (Choice(0, 0, 0), Choice(0, 0, 1), Choice(0, 1, 0), Choice(0, 1, 1))
    assert best.size < begun.size
    _, kept = drive(faults, begun, lambda case: has(case, stop) and has(case, full))
    assert kept == begun
    assert all(len(case.program.lanes[0].ops) == 2 for case in proposed)
