"""``replay --trace`` and ``replay --debug``: a witness run again for a user who looks inside."""

from __future__ import annotations

import argparse
import contextlib
import os
from typing import TYPE_CHECKING

import msgspec

from harness import gates
from harness.cli.output import emit, remark
from harness.cli.replay_stops import spec_of
from harness.explore.worker_pool import perform
from harness.model.code_trace import CodeTrace, Printed
from harness.model.errors import GateUnavailable
from harness.model.history import Invoke, Step
from harness.report.passage_code import escaped
from harness.results.witness import Witness
from harness.scenario.fence_reference import check

if TYPE_CHECKING:
    from harness.model.debug_spec import DebugSpec
    from harness.shrink.replay import Rerun

__all__ = ["debugged", "trace"]

_STREAMS = {1: "out", 2: "err"}


def _run(witness: Witness, fence: str | None, root: str | None, spec: DebugSpec | None = None) -> Rerun:
    from harness.shrink.debug_job import DebugJob
    from harness.shrink.replay import Rerun

    work = DebugJob.of(witness, fence, spec)
    passed = () if spec is None else (spec.reads, spec.writes)
    with contextlib.closing(perform(work, root, passed)) as findings:
        return next(found for found in findings if isinstance(found, Rerun))


def _prepare(witness: Witness, fence: str | None) -> None:
    why = gates.unavailable(witness.gate)
    if why:
        raise GateUnavailable(f"the witness was found under the {witness.gate} gate: {why}")
    check(fence or witness.fence)


def trace(witness: Witness, fence: str | None, root: str | None) -> Rerun:
    """Run a witness, print each step with arguments and result, and return what came of it.

    Args:
        witness: what to run.
        fence: another fence than the recorded one.
        root: where to make session directories.
    """
    _prepare(witness, fence)
    rerun = _run(witness, fence, root)
    code = rerun.code or CodeTrace()
    names = [lane.name for lane in rerun.history.header.lanes]
    width = max(map(len, names), default=0)
    operations: dict[tuple[int, int], str] = {}
    number = -1
    _show_printed(code, names, width, number)
    for at, event in enumerate(rerun.history.events):
        if isinstance(event, Invoke):
            operations[event.lane, event.op] = event.how if event.kind == "action" else event.kind
        if not isinstance(event, Step):
            continue
        number += 1
        call = code.calls[number] if number < len(code.calls) else f"{event.call} {event.path}"
        place = code.place(number)
        where = f"  at {place}" if place is not None else ""
        operation = operations.get((event.lane, event.op), "")
        emit(f"{at:>5}  {names[event.lane]:<{width}}  {operation}: {escaped(call)}{where}")
        _show_printed(code, names, width, number)
    return rerun


def _show_printed(code: CodeTrace, names: list[str], width: int, step: int) -> None:
    for one in code.printed:
        if one.step == step:
            for line in _lines(one):
                emit(f"       {names[one.lane]:<{width}}  {line}")


def _lines(printed: Printed) -> list[str]:
    left = [f"... {printed.left_out} bytes left out ..."] if printed.left_out else []
    mark = _STREAMS.get(printed.stream, "")
    return [*left, *(f"{mark}| {escaped(line)}" for line in printed.text.removesuffix("\n").split("\n"))]


def debugged(witness: Witness, arguments: argparse.Namespace, root: str | None) -> Rerun:
    """Run a witness to its end, run it again in a debugger, and return what came of it then.

    Args:
        witness: what to run.
        arguments: of the command.
        root: where to make session directories.

    Raises:
        UsageError: there is no place like the one to stop at.
    """
    _prepare(witness, arguments.fence)
    before = _run(witness, arguments.fence, root)
    terminal = os.dup(0), os.dup(1)
    try:
        spec = spec_of(arguments, witness, before, terminal)
        if spec.pause < 0:
            remark("the debugger of Python: `w` shows where you are, `n` goes on by a line, `c` to the end")
        after = _run(witness, arguments.fence, root, spec)
        # While pdb follows a lane, its lines are not recorded; those of the same history are.
        same = after.history.events == before.history.events
        return msgspec.structs.replace(after, code=before.code if same else None)
    finally:
        for fd in terminal:
            os.close(fd)
