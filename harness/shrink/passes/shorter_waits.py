"""Shorten thinking, pauses, stops, delays and clock jumps that cannot be left out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial

import msgspec

from harness.model.history import IDLE
from harness.model.program import Op
from harness.shrink.shrink_pass import Answer
from harness.shrink.variant import Reproduction, Variant

__all__ = ["shorter_waits"]

#: A pause may stay too long by one part in so many.
_CLOSE = 8
#: A length, whether it counts scheduling points, and what returns the operation with another length.
_Wait = tuple[int, bool, Callable[[int], Op]]


def shorter_waits(best: Reproduction) -> Generator[Variant, Answer, None]:
    """Bisect each wait down to the least with which the violation shows."""
    variant = best.variant
    for lane, program in enumerate(best.program.lanes):
        for index, op in enumerate(program.ops):
            for number, _ in enumerate(_waits_of(op)):
                # Waits that were shortened before stay short.
                now = variant.program.lanes[lane].ops[index]
                enough, counted, lasting = list(_waits_of(now))[number]
                too_short = 0
                # The shortest first: the length of a wait seldom matters.
                middle = 1
                # An exact number of milliseconds is not worth its runs: pauses depend on each other.
                close = 1 if counted else max(1, enough // _CLOSE)
                while enough - too_short > close:
                    trial = _with(variant, lane, index, lasting(middle))
                    answer = yield trial
                    if answer.better is not None:
                        variant, enough = trial, middle
                    else:
                        too_short = middle
                    middle = (too_short + enough) // 2


def _waits_of(op: Op) -> Iterator[_Wait]:
    """Yield every wait of an operation, in an order that does not depend on lengths."""
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


def _with(variant: Variant, lane: int, index: int, changed: Op) -> Variant:
    program = variant.program.lanes[lane]
    ops = tuple(changed if at == index else op for at, op in enumerate(program.ops))
    lanes = list(variant.program.lanes)
    lanes[lane] = msgspec.structs.replace(program, ops=ops)
    return Variant(msgspec.structs.replace(variant.program, lanes=tuple(lanes)), variant.choices)
