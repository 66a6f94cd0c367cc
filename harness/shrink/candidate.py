"""What is being made smaller: a program with a schedule, and how to cut both together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from harness.model.history import History, Step
from harness.model.program import Entry, LaneProgram, Op, Program
from harness.model.schedule import Choice
from harness.oracle import Judgement, Violation
from harness.strategies.switches import Switch

__all__ = ["Case", "Shown", "Size", "cut", "without_empty_lanes"]

_Kept = Collection[int]
#: What a switch weighs against a step: it is read twice, where the lane leaves and where it goes on.
_SWITCH = 2


class Case(msgspec.Struct, frozen=True):
    """A program and what to do about its schedule.

    Args:
        program: what the lanes do.
        choices: what is to be followed, as far as it can be.
        switches: when given, these instead: whoever goes goes on, except here.
    """

    program: Program
    choices: tuple[Choice, ...]
    switches: tuple[Switch, ...] | None = None


class Size(msgspec.Struct, frozen=True, order=True):
    """How small a story is; less is better, from the first field to the last.

    Args:
        lanes: that do anything.
        ops: operations of all lanes.
        faults: that the program has in store for them.
        reading: steps, and switches at twice the price.
        lines: entries of operations and of the initial transcript.
        wait_ms: virtual milliseconds of all pauses, and of all faults that last.
        places: sum of the steps at which lanes switch; less is earlier.
        steps, switches: as counted.
    """

    lanes: int
    ops: int
    faults: int
    reading: int
    lines: int
    wait_ms: int
    places: int
    steps: int
    switches: int

    @property
    def story(self) -> tuple[int, ...]:
        """What there is to read; waits and places aside."""
        return self.lanes, self.ops, self.faults, self.reading, self.lines

    @staticmethod
    def of(program: Program, choices: Sequence[Choice]) -> Size:
        """Measure a program under the schedule that it really took."""
        ops = [op for lane in program.lanes for op in lane.ops]
        places = [at for at in range(1, len(choices)) if choices[at].lane != choices[at - 1].lane]
        return Size(
            sum(1 for lane in program.lanes if lane.ops),
            len(ops),
            sum(len(op.faults) for op in ops),
            len(choices) + _SWITCH * len(places),
            sum(len(op.entries) for op in ops) + len(program.initial),
            sum(op.duration_ms for op in ops)
            + sum(sum(fault.process_faults().values()) for op in ops for fault in op.faults),
            sum(places),
            len(choices),
            len(places),
        )


class Shown(msgspec.Struct, frozen=True):
    """A case that was run and shows the violation.

    Args:
        program: what the lanes did.
        choices: every pick as it was made.
        picks: index of each pick among the candidates; 0 means that nobody was preferred.
        history: what happened.
        judgement: what the oracle says.
        violation: the one that is being made smaller.
    """

    program: Program
    choices: tuple[Choice, ...]
    picks: tuple[int, ...]
    history: History
    judgement: Judgement
    violation: Violation

    @property
    def size(self) -> Size:
        """How small it is."""
        return Size.of(self.program, self.choices)

    @property
    def case(self) -> Case:
        """What shows the same again."""
        return Case(self.program, self.choices)

    def switches(self) -> tuple[Switch, ...]:
        """Where a lane was preferred to the one that comes by itself."""
        return tuple(
            Switch(self.choices[at - 1] if at else None, choice.lane)
            for at, choice in enumerate(self.choices)
            if self.picks[at]
        )

    def blocks(self) -> list[list[Choice]]:
        """The choices, cut where the lane changes."""
        blocks: list[list[Choice]] = []
        for choice in self.choices:
            if blocks and blocks[-1][-1].lane == choice.lane:
                blocks[-1].append(choice)
            else:
                blocks.append([choice])
        return blocks

    def steps(self) -> list[Step]:
        """What each choice came to, in order."""
        return [event for event in self.history.events if isinstance(event, Step)]


def cut(case: Case, kept: Sequence[_Kept], initial: tuple[Entry, ...] | None = None) -> Case:
    """Keep some operations of each lane; a lane without any stays as an empty one.

    Args:
        case: what to cut; its choices lose those of the operations that go.
        kept: by lane, indices of the operations to keep.
        initial: another initial transcript.
    """
    lanes: list[LaneProgram] = []
    places: list[dict[int, int]] = []
    for lane, keep in zip(case.program.lanes, kept, strict=True):
        order = sorted(keep)
        lanes.append(msgspec.structs.replace(lane, ops=tuple(lane.ops[op] for op in order)))
        places.append({old: new for new, old in enumerate(order)})
    choices = tuple(
        Choice(choice.lane, places[choice.lane][choice.op], choice.ordinal)
        for choice in case.choices
        if choice.op in places[choice.lane]
    )
    program = msgspec.structs.replace(
        case.program,
        lanes=tuple(lanes),
        initial=case.program.initial if initial is None else initial,
    )
    return Case(program, choices)


def without_empty_lanes(case: Case) -> Case:
    """The same with the lanes that do nothing gone, and turns and groups counted anew."""
    left = [index for index, lane in enumerate(case.program.lanes) if lane.ops]
    numbers = {old: new for new, old in enumerate(left)}
    lanes = tuple(_counted_anew(case.program.lanes[index]) for index in left)
    choices = tuple(Choice(numbers[choice.lane], choice.op, choice.ordinal) for choice in case.choices)
    return Case(msgspec.structs.replace(case.program, lanes=lanes), choices)


def _counted_anew(lane: LaneProgram) -> LaneProgram:
    turns = {turn: new for new, turn in enumerate(sorted({op.turn for op in lane.ops if op.turn >= 0}))}
    groups = {group: new for new, group in enumerate(dict.fromkeys(op.group for op in lane.ops), 1)}

    def anew(op: Op) -> Op:
        return msgspec.structs.replace(op, turn=turns.get(op.turn, op.turn), group=groups[op.group])

    return msgspec.structs.replace(lane, ops=tuple(anew(op) for op in lane.ops))
