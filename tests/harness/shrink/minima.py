"""The stories by hand, run on real processes; and what the search and the shrinker make of each control.

As a command: ``python -m tests.harness.shrink.minima CONTROL [SEED]`` compares the two and prints one
JSON object.
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
from collections.abc import Generator

import msgspec

import fence
from fence.controls.protocol import Control
from harness import plan
from harness.actions import ACTIONS
from harness.campaign import Campaign
from harness.entries import make
from harness.explorer import Explorer
from harness.oracle import judge
from harness.program import Fault, LaneProgram, Op, Program
from harness.question import Question
from harness.scenario import Scenario, load
from harness.schedule import Choice, Schedule
from harness.shrink import Shrinking, Shrunk
from harness.strategies.replay import Replay
from harness.team import perform
from harness.witness import Witness
from tests.harness.shrink.stories import STORIES

__all__ = [
    "SCHEDULES",
    "ByHand",
    "Compared",
    "compare",
    "find",
    "kind_of",
    "program_of",
    "run_by_hand",
    "shrink",
]

#: Within so many the portfolio has to find a control.
SCHEDULES = 2000
#: What the project promises for a quick scenario.
_LIMIT_S = 10.0
_LAST = 999
_SECOND_NS = 1_000_000_000
_TEXT_BYTES = 20
_TURN_WORDS = {
    "b": "begin_turn",
    "l": "load",
    "p": "append",
    "r": "release_for_prompt",
    "g": "guarded_write",
    "g~": "guarded_write",
    "v": "recover",
    "e": "end_turn",
}
_SECTION_WORDS = {"a": "acquire", "+": "append", "R": "rewrite", "-": "release"}
_WRITES = {"p": "user", "g": "assistant", "g~": "assistant", "+": "custom", "w": "assistant"}
_FULL_DISK = Fault("write", "ENOSPC", 500)


def _control(name: str) -> type[Control]:
    found = fence.load(name)
    assert issubclass(found, Control)
    return found


def kind_of(control: str) -> str:
    """Kind of the violation that must catch it."""
    return _control(control).caught_by


def _scenario(control: str) -> Scenario:
    return load(f"scenarios/{_control(control).scenario}.yaml")


class _Writing:
    """The operations of one lane's words."""

    def __init__(self, lane: str) -> None:
        self._lane = lane
        self._turn = -1
        self._group = self._own = 0
        self.ops: list[Op] = []

    def add(self, word: str) -> None:
        number = len(self.ops)
        identity = f"{self._lane}-{number + 1}"
        entries = (make(_WRITES[word], identity, _TEXT_BYTES),) if word in _WRITES else ()
        if word in ("b", "a") or word[0] == "!":
            self._group += 1
        if word == "b":
            self._turn += 1
            self._own = self._group
        if word in _TURN_WORDS:
            faults = (_FULL_DISK,) if word == "g~" else ()
            self.ops.append(Op(_TURN_WORDS[word], self._turn, self._own, entries=entries, faults=faults))
        elif word == "w":
            self._group += 1
            self.ops += [
                Op("acquire", self._turn, self._group, "writer"),
                Op("append", self._turn, self._group, "writer", entries),
                Op("release", self._turn, self._group, "writer"),
            ]
        elif word == "R":
            args: dict[str, int | str | bool] = {"kind": "compaction", "keep": 0, "summary_id": identity}
            self.ops.append(Op("rewrite", group=self._group, how="rename", args=args))
        elif word in _SECTION_WORDS:
            self.ops.append(Op(_SECTION_WORDS[word], group=self._group, entries=entries))
        elif word[0] == "!":
            self._act(word[1:], identity)
        else:
            self._wait(word)

    def _act(self, word: str, identity: str) -> None:
        name, _, where = word.partition("@")
        args = ACTIONS[name].draw(random.Random(1)) | {"id": identity}
        args |= {"where": int(where)} if where else {}
        self.ops.append(Op("action", group=self._group, how=name, args=args))

    def _wait(self, word: str) -> None:
        # Before its section, it belongs to it; inside, too.
        group = self._group if self.ops and self.ops[-1].kind == "acquire" else self._group + 1
        if word[0] == "t":
            self.ops.append(Op("think", group=group, steps=int(word[1:])))
        else:
            self.ops.append(Op("pause", group=group, duration_ms=int(word[1:])))


def program_of(control: str) -> Program:
    """What the lanes do in a control's story."""
    story, drawn = STORIES[control], plan.draw(_scenario(control), 1, 0)
    lanes: list[LaneProgram] = []
    for lane, words in zip(drawn.lanes, (*story.cast, *[""] * len(drawn.lanes)), strict=False):
        writing = _Writing(lane.name)
        for word in words.split():
            writing.add(word)
        lanes.append(msgspec.structs.replace(lane, ops=tuple(writing.ops)))
    return msgspec.structs.replace(
        drawn,
        lanes=tuple(lanes),
        initial=drawn.initial if story.whole else drawn.initial[:1],
        # The story is over before a second, or a tick of a coarse clock, is.
        clock_start_ns=drawn.clock_start_ns // _SECOND_NS * _SECOND_NS,
    )


class ByHand(msgspec.Struct, frozen=True):
    """What a story by hand came to.

    Args:
        steps: of the least that shows the control's violation.
        stops: where lanes are left in it: lane, operation, ordinal of the last step.
        runs: schedules that were tried.
    """

    steps: int
    stops: tuple[Choice, ...]
    runs: int


class _Sweeping(msgspec.Struct, frozen=True):
    """A story to be tried at all its places: work for an explorer process."""

    scenario: Scenario
    fence: str
    original: str
    kind: str
    program: Program
    plot: tuple[str, ...]

    def run(self, root: str) -> Generator[ByHand | None, None, None]:
        """Yields the least that shows the violation at the end, None after each run before.

        Args:
            root: where to make session directories.
        """
        found: list[tuple[int, int, tuple[Choice, ...]]] = []
        runs = 0
        with contextlib.closing(Explorer(self.scenario, self.fence, "kernel", root, self.program)) as lanes:
            left: list[tuple[Choice, ...]] = [()]
            while left:
                stops = left.pop()
                taken, shows = self._once(lanes, stops)
                runs += 1
                yield None
                if len(stops) == len(self.plot):
                    if shows:
                        found.append((len(taken), len(found), stops))
                    continue
                left += [(*stops, stop) for stop in reversed(self._next(stops, taken))]
        with contextlib.closing(
            Explorer(self.scenario, self.original, "kernel", root, self.program)
        ) as lanes:
            for steps, _, stops in sorted(found):
                runs += 1
                if not self._once(lanes, stops)[1]:
                    yield ByHand(steps, stops, runs)
                    return
                yield None

    def _next(self, stops: tuple[Choice, ...], taken: tuple[Choice, ...]) -> list[Choice]:
        """Where the next block may end, by what came after the stops so far."""
        word = self.plot[len(stops)]
        lane, at, op = word.partition("@")
        if at:
            number, _, ordinal = op.partition(".")
            return [Choice(int(lane), int(number), int(ordinal or _LAST))]
        if not any(other.partition("@")[0] == lane for other in self.plot[len(stops) + 1 :]):
            return [Choice(int(lane), _LAST, _LAST)]
        done = max((stop for stop in stops if stop.lane == int(lane)), key=_place, default=None)
        places = [one for one in taken if one.lane == int(lane)]
        # The last step of all leaves nothing for later.
        return [one for one in places[:-1] if done is None or _place(one) > _place(done)]

    def _once(self, lanes: Explorer, stops: tuple[Choice, ...]) -> tuple[tuple[Choice, ...], bool]:
        history, schedule, _ = lanes.run(self.program, Replay(Schedule(stops)), 1, 0)
        judgement = judge(history)
        shows = not judgement.inconclusive and any(one.kind == self.kind for one in judgement.violations)
        return schedule.choices, shows


def _place(choice: Choice) -> tuple[int, int]:
    return choice.op, choice.ordinal


def run_by_hand(control: str) -> ByHand | None:
    """The least story written by hand that shows the control's violation; None when none does."""
    work = _Sweeping(
        _scenario(control),
        control,
        _control(control).original,
        kind_of(control),
        program_of(control),
        tuple(STORIES[control].plot.split()),
    )
    return next((found for found in perform(work) if isinstance(found, ByHand)), None)


def find(control: str, seed: int = 1) -> Witness:
    """The first witness of a search by the default strategy, as `run` would store it."""
    kind = kind_of(control)
    question = Question(_scenario(control), control, "kernel", "portfolio", seed, SCHEDULES, until=kind)
    with Campaign(1) as campaign:
        found = campaign.ask(question).sought
    assert found is not None, f"{control} was not caught"
    return question.witness(found)


def shrink(witness: Witness, time_limit_s: float) -> Shrunk:
    """The last word of a shrinking."""
    found = [one for one in perform(Shrinking.of(witness, time_limit_s)) if isinstance(one, Shrunk)]
    return found[-1]


class Compared(msgspec.Struct, frozen=True):
    """A control's first witness beside the story by hand.

    Args:
        control: name.
        seed: of the search.
        found, shrunk, by_hand: steps of the witness, of what it came down to, and of the least
            story by hand; -1 where that shows no violation.
        runs, seconds: what shrinking took.
        finished: whether no pass found anything any more within the time limit.
        again: whether the same witness came to the same story in as many runs a second time.
    """

    control: str
    seed: int
    found: int
    shrunk: int
    by_hand: int
    runs: int
    seconds: float
    finished: bool
    again: bool

    @property
    def fault(self) -> str:
        """What does not hold; empty for nothing."""
        if self.by_hand < 0:
            return "the story by hand shows no violation"
        if not self.finished:
            return "shrinking was not done in time"
        if self.shrunk > 2 * self.by_hand:
            return "more than twice the steps of the story by hand"
        return "" if self.again else "another story the second time"


def compare(control: str, time_limit_s: float, seed: int = 1) -> Compared:
    """Find a control, shrink its witness twice, and run the story by hand.

    Args:
        control: name.
        time_limit_s: for each shrinking.
        seed: of the search.
    """
    witness, by_hand = find(control, seed), run_by_hand(control)
    first, second = (shrink(witness, time_limit_s) for _ in range(2))
    same = first.runs == second.runs and first.witness(witness) == second.witness(witness)
    return Compared(
        control,
        seed,
        first.before.steps,
        first.after.steps,
        -1 if by_hand is None else by_hand.steps,
        first.runs,
        first.seconds,
        first.finished,
        same,
    )


if __name__ == "__main__":
    result = compare(sys.argv[1], _LIMIT_S, int(sys.argv[2]) if sys.argv[2:] else 1)
    print(json.dumps(msgspec.to_builtins(result) | {"fault": result.fault}))
