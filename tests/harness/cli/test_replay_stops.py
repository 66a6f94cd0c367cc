"""Where a replay stops for a debugger."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.cli import parser
from harness.cli.replay_stops import breaks, check_options, spec_of, wants_stops
from harness.model.code_trace import NO_PLACE, CodeTrace, Place
from harness.model.errors import UsageError
from harness.model.history import Invoke, Step
from harness.model.program import Filesystem, LaneProgram, Program
from harness.model.schedule import Schedule
from harness.oracle import judge
from harness.results.witness import Claim, Critical, Witness
from harness.results.witness import Place as Where
from harness.shrink.replay import Rerun
from tests.harness.oracle.histories import EDITOR, Story

OWN = Place("own.py", 5, "guarded_write")


def options(*given: str) -> argparse.Namespace:
    return parser().parse_args(["replay", "w.json", *given])


def rerun() -> Rerun:
    """A runner's write over what an editor did; the runner's steps are made by lines of its fence."""
    play = Story()
    play.window()
    play.add(EDITOR, "x")
    play.admit("reply")
    history = play.history()
    steps = [one for one in history.events if isinstance(one, Step)]
    code = CodeTrace(
        (OWN,),
        tuple(0 if one.lane == 0 else NO_PLACE for one in steps),
        lines=tuple(range(10, 10 + len(steps))),
    )
    return Rerun(history, False, len(steps), judgement=judge(history), code=code)


def witness(**changes: Any) -> Witness:
    history = rerun().history
    lanes = tuple(LaneProgram(one.name, one.role, one.process, False, ()) for one in history.header.lanes)
    program = Program(lanes, (), Filesystem(), 0)
    claim = Claim("missed_takeover", 1, "runner", 0, "")
    plain = Witness(claim, {}, "own.py:Own", "kernel", "pos", 1, 0, program, Schedule(()), "")
    return msgspec.structs.replace(plain, **changes)


def numbered() -> list[tuple[int, Step]]:
    return [(at, one) for at, one in enumerate(rerun().history.events) if isinstance(one, Step)]


def stop(*given: str, of: Witness | None = None) -> tuple[int, int, int]:
    """Return lane, line and pause of a stop."""
    spec = spec_of(options(*given), of or witness(), rerun(), (7, 8))
    assert (spec.reads, spec.writes) == (7, 8)
    return spec.lane, spec.line, spec.pause


def test_the_first_step_of_the_accused_operation_decides() -> None:
    history = rerun().history
    (found,) = judge(history).violations
    first = next(n for n, (_, one) in enumerate(numbered()) if (one.lane, one.op) == (found.lane, found.op))
    assert stop("--debug") == (0, 10 + first, -1)


def test_the_deciding_order_decides_where_it_is_known() -> None:
    mine = [n for n, (_, one) in enumerate(numbered()) if one.lane == 0]
    other = next(n for n, (_, one) in enumerate(numbered()) if one.lane != 0)
    pair = Critical(Where(mine[0], "runner", 0, "", ""), Where(other, "editor", 0, "", ""), clean=True)
    # The later step of the two is made by no line of a fence.
    assert stop("--debug", of=witness(critical=(pair,))) == (0, 10 + mine[0], -1)


def test_a_step_has_the_number_of_the_story() -> None:
    at = next(at for at, one in numbered() if one.lane == 0)
    begin = next(at for at, one in enumerate(rerun().history.events) if isinstance(one, Invoke))
    assert begin < at
    assert stop("--step", str(at)) == stop("--step", str(begin)) == (0, 10, -1)


def test_a_pause_needs_no_line_of_a_fence() -> None:
    number, (at, _) = next((n, one) for n, one in enumerate(numbered()) if one[1].lane != 0)
    assert stop("--pause", "--step", str(at)) == (-1, 0, number)
    with pytest.raises(UsageError, match="made by no line of a fence"):
        stop("--step", str(at))


def test_the_violation_is_the_last_step_until_then() -> None:
    history = rerun().history
    (found,) = judge(history).violations
    last = max(n for n, (at, _) in enumerate(numbered()) if at <= found.at)
    assert stop("--until", "violation")[1] == 10 + last


def test_a_break_names_a_file_of_the_fence_or_a_path(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("def load():\n    # nothing here\n    return 1\n", encoding="utf-8")
    code = {str(path), "elsewhere.py"}
    assert breaks([f"{path}:3", "own.py:1"], code) == ((str(path), 3), (str(path), 1))
    with pytest.raises(UsageError, match="no code in that line; the nearest line with code is 3"):
        breaks(["own.py:2"], code)
    with pytest.raises(UsageError, match=r"no file other\.py"):
        breaks(["other.py:3"], code)
    path.write_text("def load(:\n", encoding="utf-8")
    with pytest.raises(UsageError, match="expected a file of Python"):
        breaks(["own.py:1"], code)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--break", "own.py"), "expected FILE:LINE"),
        (("--break", ":3"), "expected FILE:LINE"),
        (("--trace", "--json"), "leave one of them out"),
        (("--trace", "--debug"), "runs to the end"),
        (("--pause", "--debug"), "leave one out"),
        (("--step", "3", "--until", "violation"), "name two places"),
        (("--debug", "nobody"), "the witness has runner, "),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_runs(
    given: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        check_options(options(*given), witness())


def test_the_free_gate_cannot_be_looked_into() -> None:
    with pytest.raises(UsageError, match="under the free gate"):
        check_options(options("--trace"), witness(gate="free"))
    check_options(options("--json"), witness(gate="free"))


def test_a_step_that_is_not_there_says_which_are() -> None:
    last = numbered()[-1][0]
    for number in ("-1", str(last + 1)):
        with pytest.raises(UsageError, match=f"expected 0 to {last}"):
            stop("--step", number)


def test_a_violation_that_is_gone_decides_nothing() -> None:
    gone = witness(claim=Claim("crash", 1, "runner", 0, ""))
    with pytest.raises(UsageError, match="shows no crash any more"):
        stop("--debug", of=gone)
    assert stop("--step", "0", of=gone)[0] == 0


def test_a_plain_replay_stops_nowhere() -> None:
    assert not wants_stops(options())
    assert not wants_stops(options("--trace"))
    for given in (("--debug",), ("--debug", "runner"), ("--pause",), ("--step", "0"), ("--break", "a:1")):
        assert wants_stops(options(*given))
