"""Shorter thinking, pauses, stops, delays and leaps of the clock, where they cannot be left out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial

import msgspec

from harness.model.history import IDLE
from harness.model.program import Op
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer

__all__ = ["waits"]

#: Share of a pause that may be too much.
_CLOSE = 8
#: How long something lasts, whether in scheduling points, and the operation with another length.
_Wait = tuple[int, bool, Callable[[int], Op]]


def waits(shown: Shown) -> Generator[Case, Answer, None]:
    """Bring each wait down to the least that will do, by halves."""
    case = shown.case
    for lane, program in enumerate(shown.program.lanes):
        for index, op in enumerate(program.ops):
            for number, _ in enumerate(_waits_of(op)):
                # What was brought down before stays down.
                now = case.program.lanes[lane].ops[index]
                enough, counted, lasting = list(_waits_of(now))[number]
                too_short = 0
                # The least first: where a wait matters at all, its length seldom does.
                middle = 1
                # Milliseconds are not counted out: pauses lean on each other.
                close = 1 if counted else max(1, enough // _CLOSE)
                while enough - too_short > close:
                    trial = _with(case, lane, index, lasting(middle))
                    answer = yield trial
                    if answer.better is not None:
                        case, enough = trial, middle
                    else:
                        too_short = middle
                    middle = (too_short + enough) // 2


def _waits_of(op: Op) -> Iterator[_Wait]:
    """Everything in an operation that lasts, in an order that lengths do not change."""
    if op.kind == "think":
        yield op.steps, True, lambda steps: msgspec.structs.replace(op, steps=steps)
    elif op.kind in IDLE:
        yield op.duration_ms, False, lambda duration: msgspec.structs.replace(op, duration_ms=duration)
    for at, fault in enumerate(op.faults):
        for key, duration_ms in fault.process_faults().items():
            if duration_ms > 0:
                yield duration_ms, False, partial(_faulty, op, at, key)


def _faulty(op: Op, at: int, key: str, length: int) -> Op:
    faults = list(op.faults)
    faults[at] = faults[at].with_process_fault(key, length)
    return msgspec.structs.replace(op, faults=tuple(faults))


def _with(case: Case, lane: int, index: int, changed: Op) -> Case:
    program = case.program.lanes[lane]
    ops = tuple(changed if at == index else op for at, op in enumerate(program.ops))
    lanes = list(case.program.lanes)
    lanes[lane] = msgspec.structs.replace(program, ops=ops)
    return Case(msgspec.structs.replace(case.program, lanes=tuple(lanes)), case.choices)
