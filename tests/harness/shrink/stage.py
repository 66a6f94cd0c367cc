"""Cases without processes, and the minima that a person would write down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.model.history import End, Header, History, LaneInfo, State
from harness.model.program import LaneProgram, Op, Program
from harness.model.schedule import Choice
from harness.oracle import Judgement, Violation
from harness.scenario import load, plan
from harness.shrink.candidate import Case, Shown
from harness.shrink.shrink_pass import Answer, Pass

__all__ = ["drawn", "drive", "is_lawful", "shown"]


def drawn(scenario: str, seed: int) -> Program:
    """A program of a shipped scenario."""
    return plan.draw(load(f"scenarios/{scenario}.yaml"), seed, 0)


def shown(
    program: Program, choices: Iterable[Choice] = (), violation: Violation | None = None, picks: int = 0
) -> Shown:
    """A case that is said to show a violation; nothing ran."""
    taken = tuple(choices)
    lanes = tuple(LaneInfo(one.name, one.role, one.process, one.participant) for one in program.lanes)
    header = Header("s", "f", "kernel", "random", "p", {}, 0, 0, lanes, State("f0", "", 0))
    found = violation or Violation("missed_takeover", 0, 0, -1, "made up")
    history = History(header, (End(State("f0", "", 0)),))
    return Shown(program, taken, (picks,) * len(taken), history, Judgement((), (found,)), found)


def drive(one: Pass, start: Shown, accepts: Callable[[Case], bool]) -> tuple[list[Case], Shown]:
    """Run a pass against somebody who says which cases show the violation.

    Returns:
        Everything that it proposed, and the last accepted.
    """
    proposed: list[Case] = []
    best = start
    proposals = one(start)
    answer: Answer | None = None
    while True:
        try:
            case = next(proposals) if answer is None else proposals.send(answer)
        except StopIteration:
            return proposed, best
        proposed.append(case)
        shows = accepts(case)
        candidate = shown(case.program, _possible(case), start.violation)
        better = candidate if shows and candidate.size < best.size else None
        best = better or best
        answer = Answer(better, shows, shows, True, not shows, case.choices)


def _possible(case: Case) -> list[Choice]:
    """The choices less those of thinking that is over before."""

    def comes(choice: Choice) -> bool:
        op = case.program.lanes[choice.lane].ops[choice.op]
        return op.kind != "think" or choice.ordinal < op.steps

    return [choice for choice in case.choices if comes(choice)]


def is_lawful(program: Program) -> bool:
    """Whether every lane calls in an order that `fence.protocol` promises to fences."""
    return bool(program.initial) and all(_lane_is_lawful(lane) for lane in program.lanes)


def _lane_is_lawful(lane: LaneProgram) -> bool:
    sections: dict[int, list[Op]] = {}
    for op in lane.ops:
        if op.kind in ("append", "guarded_write") and not op.entries:
            return False
        if op.kind not in ("think", "pause", "action"):
            sections.setdefault(op.group, []).append(op)
    return all(_section_is_lawful([op.kind for op in ops]) for ops in sections.values())


def _section_is_lawful(kinds: Sequence[str]) -> bool:
    if kinds[0] == "acquire":
        return kinds[-1] == "release" and set(kinds[1:-1]) <= {"append", "rewrite"}
    if kinds[:2] != ["begin_turn", "load"] or kinds[-1] != "end_turn" or "release_for_prompt" not in kinds:
        return False
    prompt = kinds.index("release_for_prompt")
    return set(kinds[2:prompt]) <= {"append"} and set(kinds[prompt + 1 : -1]) <= {"guarded_write", "recover"}
