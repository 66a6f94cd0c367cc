"""Variants of a witness: a program with a schedule, cut together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from harness.model.history import History, Step
from harness.model.program import Entry, LaneProgram, Op, Program
from harness.model.schedule import Choice
from harness.oracle import Judgement, Violation
from harness.strategies.switches import Switch

__all__ = ["Reproduction", "Size", "Variant", "cut", "without_empty_lanes"]

_Kept = Collection[int]
#: Steps that a switch counts for: it is read twice, where the lane stops and where it goes on.
_SWITCH = 2


class Variant(msgspec.Struct, frozen=True):
    """A program and a schedule to try it under.

    Args:
        program: what the lanes do.
        choices: followed as far as possible.
        switches: followed instead of `choices` when given: the running lane goes on, except here.
    """

    program: Program
    choices: tuple[Choice, ...]
    switches: tuple[Switch, ...] | None = None


class Size(msgspec.Struct, frozen=True, order=True):
    """The size of a story, compared from the first field to the last; less is better.

    Args:
        lanes: number of lanes that have operations.
        ops: operations of all lanes.
        faults: faults of all operations.
        reading: steps, plus two for each switch.
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
        """Return the fields that count what there is to read, without waits and places."""
        return self.lanes, self.ops, self.faults, self.reading, self.lines

    @staticmethod
    def of(program: Program, choices: Sequence[Choice]) -> Size:
        """Return the size of a program under the schedule that it took."""
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


class Reproduction(msgspec.Struct, frozen=True):
    """A variant that was run and shows the violation.

    Args:
        program: what the lanes did.
        choices: every pick as it was made.
        picks: index of each pick among the candidates; 0 is the lane that runs without a switch.
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
        """Return the size of its story."""
        return Size.of(self.program, self.choices)

    @property
    def variant(self) -> Variant:
        """Return the variant that shows the same again."""
        return Variant(self.program, self.choices)

    def switches(self) -> tuple[Switch, ...]:
        """Return the places at which another lane ran than the one that runs without a switch."""
        return tuple(
            Switch(self.choices[at - 1] if at else None, choice.lane)
            for at, choice in enumerate(self.choices)
            if self.picks[at]
        )

    def blocks(self) -> list[list[Choice]]:
        """Return the choices, split where the lane changes."""
        blocks: list[list[Choice]] = []
        for choice in self.choices:
            if blocks and blocks[-1][-1].lane == choice.lane:
                blocks[-1].append(choice)
            else:
                blocks.append([choice])
        return blocks

    def steps(self) -> list[Step]:
        """Return the step that each choice led to, in order."""
        return [event for event in self.history.events if isinstance(event, Step)]


def cut(variant: Variant, kept: Sequence[_Kept], initial: tuple[Entry, ...] | None = None) -> Variant:
    """Return a variant with some operations of each lane; a lane without any stays, empty.

    Args:
        variant: its choices lose those of the removed operations.
        kept: by lane, indices of the operations to keep.
        initial: another initial transcript.
    """
    lanes: list[LaneProgram] = []
    places: list[dict[int, int]] = []
    for lane, keep in zip(variant.program.lanes, kept, strict=True):
        order = sorted(keep)
        lanes.append(msgspec.structs.replace(lane, ops=tuple(lane.ops[op] for op in order)))
        places.append({old: new for new, old in enumerate(order)})
    choices = tuple(
        Choice(choice.lane, places[choice.lane][choice.op], choice.ordinal)
        for choice in variant.choices
        if choice.op in places[choice.lane]
    )
    program = msgspec.structs.replace(
        variant.program,
        lanes=tuple(lanes),
        initial=variant.program.initial if initial is None else initial,
    )
    return Variant(program, choices)


def without_empty_lanes(variant: Variant) -> Variant:
    """Return a variant without the empty lanes, with turns and groups numbered from the start.

    One lane stays of the process whose id a dead process had: the id has to be in use.
    """
    lock, lanes_now = variant.program.left_lock, variant.program.lanes
    left = [index for index, lane in enumerate(lanes_now) if lane.ops]
    if lock is not None and all(lanes_now[index].process != lock.process for index in left):
        left.append(next(index for index, lane in enumerate(lanes_now) if lane.process == lock.process))
        left.sort()
    numbers = {old: new for new, old in enumerate(left)}
    lanes = tuple(_renumbered(variant.program.lanes[index]) for index in left)
    # The start of a process that comes back is a choice of its lane, also where the lane then does nothing.
    choices = tuple(
        Choice(numbers[choice.lane], choice.op, choice.ordinal)
        for choice in variant.choices
        if choice.lane in numbers
    )
    return Variant(msgspec.structs.replace(variant.program, lanes=lanes), choices)


def _renumbered(lane: LaneProgram) -> LaneProgram:
    turns = {turn: new for new, turn in enumerate(sorted({op.turn for op in lane.ops if op.turn >= 0}))}
    groups = {group: new for new, group in enumerate(dict.fromkeys(op.group for op in lane.ops), 1)}

    def renumbered(op: Op) -> Op:
        return msgspec.structs.replace(op, turn=turns.get(op.turn, op.turn), group=groups[op.group])

    return msgspec.structs.replace(lane, ops=tuple(renumbered(op) for op in lane.ops))
