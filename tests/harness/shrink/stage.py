"""Make variants without processes, and tell lawful callers from others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from harness.model.history import End, Header, History, LaneInfo, State
from harness.model.program import LaneProgram, Op, Program
from harness.model.schedule import Choice
from harness.oracle import Judgement, Violation
from harness.scenario import load, plan
from harness.shrink.shrink_pass import Answer, Pass
from harness.shrink.variant import Reproduction, Variant

__all__ = ["drawn", "drive", "is_lawful", "reproduction"]


def drawn(scenario: str, seed: int) -> Program:
    """Return a program of a shipped scenario."""
    return plan.draw(load(f"scenarios/{scenario}.yaml"), seed, 0)


def reproduction(
    program: Program, choices: Iterable[Choice] = (), violation: Violation | None = None, picks: int = 0
) -> Reproduction:
    """Return a variant that counts as showing a violation; nothing ran."""
    taken = tuple(choices)
    lanes = tuple(LaneInfo(one.name, one.role, one.process, one.participant) for one in program.lanes)
    header = Header("s", "f", "kernel", "random", "p", {}, 0, 0, lanes, State("f0", "", 0))
    found = violation or Violation("missed_takeover", 0, 0, -1, "made up")
    history = History(header, (End(State("f0", "", 0)),))
    return Reproduction(program, taken, (picks,) * len(taken), history, Judgement((), (found,)), found)


def drive(
    one: Pass, start: Reproduction, accepts: Callable[[Variant], bool]
) -> tuple[list[Variant], Reproduction]:
    """Run a pass with a predicate that says which variants show the violation.

    Returns:
        All proposals, and the last that was accepted.
    """
    proposed: list[Variant] = []
    best = start
    proposals = one(start)
    answer: Answer | None = None
    while True:
        try:
            variant = next(proposals) if answer is None else proposals.send(answer)
        except StopIteration:
            return proposed, best
        proposed.append(variant)
        shows = accepts(variant)
        candidate = reproduction(variant.program, _possible(variant), start.violation)
        better = candidate if shows and candidate.size < best.size else None
        best = better or best
        answer = Answer(better, shows, shows, True, not shows, variant.choices)


def _possible(variant: Variant) -> list[Choice]:
    """Return the choices without those of thinking that is over before."""

    def comes(choice: Choice) -> bool:
        op = variant.program.lanes[choice.lane].ops[choice.op]
        return op.kind != "think" or choice.ordinal < op.steps

    return [choice for choice in variant.choices if comes(choice)]


def is_lawful(program: Program, keepers: Collection[str] = ()) -> bool:
    """Return whether every lane calls in an order that `fence.protocol` promises to fences.

    Args:
        program: what the lanes do.
        keepers: names of lanes that may keep the lock the last time.
    """
    return bool(program.initial) and all(
        _lane_is_lawful(lane, lane.name in keepers) for lane in program.lanes
    )


def _lane_is_lawful(lane: LaneProgram, keeps: bool) -> bool:
    sections: dict[int, list[Op]] = {}
    for op in lane.ops:
        if op.kind in ("append", "guarded_write") and not op.entries:
            return False
        if op.kind not in ("think", "pause", "action"):
            sections.setdefault(op.group, []).append(op)
    kinds = [[op.kind for op in ops] for ops in sections.values()]
    if keeps and kinds and kinds[-1][-1] != "release":
        kinds[-1].append("release")
    return all(_section_is_lawful(section) for section in kinds)


def _section_is_lawful(kinds: Sequence[str]) -> bool:
    if kinds[0] == "acquire":
        return kinds[-1] == "release" and set(kinds[1:-1]) <= {"append", "rewrite"}
    if kinds[:2] != ["begin_turn", "load"] or kinds[-1] != "end_turn" or "release_for_prompt" not in kinds:
        return False
    prompt = kinds.index("release_for_prompt")
    return set(kinds[2:prompt]) <= {"append"} and set(kinds[prompt + 1 : -1]) <= {"guarded_write", "recover"}
