"""Shorter thinking and shorter pauses, where they cannot be left out."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from harness.program import Op
from harness.shrink.case import Case, Shown
from harness.shrink.passes.units import IDLE
from harness.shrink.protocol import Answer

__all__ = ["waits"]

#: Share of a pause that may be too much.
_CLOSE = 8


def waits(shown: Shown) -> Generator[Case, Answer, None]:
    """Bring each wait down to the least that will do, by halves."""
    case = shown.case
    for lane, program in enumerate(shown.program.lanes):
        for index, op in enumerate(program.ops):
            if op.kind not in IDLE:
                continue
            too_short, enough = 0, op.steps or op.duration_ms
            # The least first: where a wait matters at all, its length seldom does.
            middle = 1
            # Milliseconds are not counted out: pauses lean on each other.
            close = 1 if op.kind == "think" else max(1, enough // _CLOSE)
            while enough - too_short > close:
                trial = _lasting(case, lane, index, middle)
                answer = yield trial
                if answer.better is not None:
                    case, enough = trial, middle
                else:
                    too_short = middle
                middle = (too_short + enough) // 2


def _lasting(case: Case, lane: int, index: int, length: int) -> Case:
    def changed(op: Op) -> Op:
        if op.kind == "think":
            return msgspec.structs.replace(op, steps=length)
        return msgspec.structs.replace(op, duration_ms=length)

    program = case.program.lanes[lane]
    ops = tuple(changed(op) if at == index else op for at, op in enumerate(program.ops))
    lanes = list(case.program.lanes)
    lanes[lane] = msgspec.structs.replace(program, ops=ops)
    return Case(msgspec.structs.replace(case.program, lanes=tuple(lanes)), case.choices)
