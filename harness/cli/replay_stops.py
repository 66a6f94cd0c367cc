"""Places at which a replay stops for a debugger: the deciding step, a numbered one, the violation, a line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Iterator
from types import CodeType
from typing import TYPE_CHECKING

from harness.model.code_trace import CodeTrace
from harness.model.debug_spec import DebugSpec
from harness.model.errors import UsageError
from harness.model.history import Step
from harness.results.witness import Witness
from harness.system.source_files import whole

if TYPE_CHECKING:
    from harness.shrink.replay import Rerun

__all__ = ["breaks", "check_options", "spec_of", "wants_stops"]

_SEE = "`replay --trace` numbers the steps"


def wants_stops(arguments: argparse.Namespace) -> bool:
    """Return whether the replay is to stop anywhere."""
    return (
        arguments.debug is not None
        or bool(arguments.breaks)
        or arguments.step is not None
        or arguments.until is not None
        or arguments.pause
    )


def check_options(arguments: argparse.Namespace, witness: Witness) -> None:
    """Check options of `replay` that look inside a fence.

    Raises:
        UsageError: they exclude each other, or the witness cannot be looked into.
    """
    inside = [
        name for name in ("trace", "debug", "breaks", "step", "until", "pause") if _given(arguments, name)
    ]
    if not inside:
        return
    option = f"--{'break' if inside[0] == 'breaks' else inside[0]}"
    if witness.gate != "kernel":
        raise UsageError(
            f"{option}: the witness was found under the {witness.gate} gate, under which no lane can be "
            "stopped; find it again with --gate kernel"
        )
    if arguments.json:
        raise UsageError(f"{option} and --json: its output is for people; leave one of them out")
    if arguments.trace and len(inside) > 1:
        raise UsageError("--trace runs to the end; leave it out, or the option that stops the replay")
    if arguments.pause and (arguments.breaks or arguments.debug is not None):
        raise UsageError(
            "--pause waits for a debugger of yours, --debug and --break are the one of Python; leave one out"
        )
    if arguments.step is not None and arguments.until is not None:
        raise UsageError("--step and --until name two places; give one of them")
    for one in arguments.breaks or ():
        _parsed(one)
    lanes = [lane.name for lane in witness.program.lanes]
    if arguments.debug and arguments.debug not in lanes:
        raise UsageError(f"--debug {arguments.debug}: no such lane; the witness has {', '.join(lanes)}")


def _given(arguments: argparse.Namespace, name: str) -> bool:
    value = getattr(arguments, name)
    return value is not None and value is not False and value != []


def spec_of(
    arguments: argparse.Namespace, witness: Witness, rerun: Rerun, terminal: tuple[int, int]
) -> DebugSpec:
    """Return where the replay stops.

    Args:
        arguments: of the command.
        witness: that is replayed.
        rerun: the same schedule, run to its end beforehand.
        terminal: descriptors that the user's input comes from, and that output goes to.

    Raises:
        UsageError: there is no such place.
    """
    lanes = [lane.name for lane in witness.program.lanes]
    only = lanes.index(arguments.debug) if arguments.debug else -1
    code = rerun.code or CodeTrace()
    if arguments.breaks:
        return DebugSpec(
            *terminal, only, breaks=breaks(arguments.breaks, _files(code, arguments.fence or witness.fence))
        )
    steps = [(at, event) for at, event in enumerate(rerun.history.events) if isinstance(event, Step)]
    number = _number(arguments, witness, rerun, steps, only)
    if arguments.pause:
        return DebugSpec(*terminal, pause=number)
    lane = steps[number][1].lane
    if code.place(number) is None:
        raise UsageError(
            f"step {steps[number][0]} is {lanes[lane]}'s {steps[number][1].call}, made by no line of a fence "
            "in Python; name another lane (--debug LANE) or step, or take --pause and a debugger of your own"
        )
    return DebugSpec(*terminal, lane, code.lines[number])


def _number(
    arguments: argparse.Namespace, witness: Witness, rerun: Rerun, steps: list[tuple[int, Step]], only: int
) -> int:
    """Return the number of the step to stop before, from 0."""
    mine = [number for number, (_, step) in enumerate(steps) if only in (-1, step.lane)]
    if arguments.step is not None:
        later = [number for number in mine if steps[number][0] >= arguments.step]
        if arguments.step < 0 or not later:
            last = steps[mine[-1]][0] if mine else 0
            raise UsageError(f"--step {arguments.step}: expected 0 to {last}; {_SEE}")
        return later[0]
    found = next((one for one in rerun.judgement.violations if one.kind == witness.claim.kind), None)
    if found is None:
        raise UsageError(
            f"the witness shows no {witness.claim.kind.replace('_', ' ')} any more, so no step decides; "
            f"name one with --step: {_SEE}"
        )
    before = [number for number in mine if steps[number][0] <= found.at]
    if not before:
        raise UsageError(f"--debug {arguments.debug}: the lane takes no step before the violation")
    if arguments.until is not None:
        return before[-1]
    return _deciding(witness, rerun, steps, before, found.lane, found.op)


def _deciding(
    witness: Witness,
    rerun: Rerun,
    steps: list[tuple[int, Step]],
    before: list[int],
    lane: int,
    op: int,
) -> int:
    """Return the step that decides.

    It is the one of the deciding order that a line of a fence makes, the later of the two first; else the
    first one of the operation that is accused.
    """
    code = rerun.code or CodeTrace()
    if witness.critical and not rerun.diverged:
        pair = witness.critical[0]
        for place in (pair.second, pair.first):
            if place.step in before and code.place(place.step) is not None:
                return place.step
    accused = [number for number in before if (steps[number][1].lane, steps[number][1].op) == (lane, op)]
    own = [number for number in before if code.place(number) is not None]
    return accused[0] if accused else own[-1] if own else before[-1]


def _files(code: CodeTrace, fence: str) -> set[str]:
    """Return the files of a fence, as far as a trace and its reference name them."""
    places = [*code.places, *(place for stack in code.stacks for place in stack.places)]
    places += [one.place for one in code.printed if one.place is not None]
    places += [one.place for one in code.raised if one.place is not None]
    module = fence.rpartition(":")[0]
    return {whole(place.file) for place in places} | ({module} if module.endswith(".py") else set())


def breaks(given: list[str], files: Collection[str]) -> tuple[tuple[str, int], ...]:
    """Return the files and lines of ``--break FILE:LINE``.

    Args:
        given: as they were given.
        files: that may be named without their folder.

    Raises:
        UsageError: there is no such file, or no code in that line.
    """
    return tuple(_break(one, files) for one in given)


def _parsed(given: str) -> tuple[str, int]:
    """Return file and line of FILE:LINE."""
    name, _, number = given.rpartition(":")
    if not name or not number.isdecimal():
        raise UsageError(f"--break {given}: expected FILE:LINE, as in my_fence.py:31")
    return name, int(number)


def _break(given: str, known: Collection[str]) -> tuple[str, int]:
    name, number = _parsed(given)
    files = [name] if os.path.isfile(name) else [one for one in known if os.path.basename(one) == name]
    if not files:
        raise UsageError(f"--break {given}: no file {name}; give its path")
    path = os.path.realpath(files[0])
    lines = sorted(set(_lines_with_code(path)))
    if number not in lines:
        near = next((line for line in lines if line > number), lines[-1] if lines else 0)
        raise UsageError(f"--break {given}: no code in that line; the nearest line with code is {near}")
    return path, number


def _lines_with_code(path: str) -> Iterator[int]:
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"--break {path}: {error}; expected a file of Python") from error
    left = [code]
    while left:
        one = left.pop()
        yield from (line for _, _, line in one.co_lines() if line)
        left += [constant for constant in one.co_consts if isinstance(constant, CodeType)]
