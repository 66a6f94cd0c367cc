"""Make a program of the words of a story by hand; `stories` says what they mean."""

from __future__ import annotations

import random

import msgspec

import fence
from fence.controls.control import Control
from harness.model.program import Fault, LaneProgram, Op, Program
from harness.model.transcript_lines import make
from harness.scenario import Scenario, load, plan
from harness.scenario.actions import ACTIONS
from tests.harness.shrink.stories import STORIES

__all__ = ["control_of", "program_of", "scenario_of"]

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
_SECTION_WORDS = {"a": "acquire", "+": "append", "m": "append", "-": "release"}
_WRITES = {
    "p": "user",
    "g": "assistant",
    "g~": "assistant",
    "+": "custom",
    "m": "delivery-mirror",
    "w": "assistant",
}
#: A rename, and after what is moved aside the next attempt.
_REFUSED_TWICE = tuple(Fault("rename", "EPERM", nth=nth) for nth in (1, 3))
_FULL_DISK = Fault("write", "ENOSPC", 500)


def control_of(name: str) -> type[Control]:
    """Return a control by its name."""
    found = fence.load(name)
    assert issubclass(found, Control)
    return found


def scenario_of(control: str) -> Scenario:
    """Return the scenario in which a control says that its defect shows."""
    return load(f"scenarios/{control_of(control).scenario}.yaml")


class _Writing:
    """The operations of one lane's words."""

    def __init__(self, lane: str) -> None:
        self._lane = lane
        self._turn = -1
        self._group = self._own = 0
        self.ops: list[Op] = []

    def add(self, word: str) -> None:
        word, _, process_fault = word.partition("^")
        self._add(word)
        if process_fault:
            struck = _REFUSED_TWICE if process_fault == "refused" else (_process_fault(process_fault),)
            self.ops[-1] = msgspec.structs.replace(self.ops[-1], faults=struck)

    def _add(self, word: str) -> None:
        number = len(self.ops)
        identity = f"{self._lane}-{number + 1}"
        word, _, count = word.partition("*")
        names = (identity, *[f"{identity}.{line}" for line in range(2, int(count or 1) + 1)])
        entries = tuple(make(_WRITES[word], name, _TEXT_BYTES) for name in names if word in _WRITES)
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
        elif word in ("R", "M"):
            kind = "compaction" if word == "R" else "migration"
            args: dict[str, int | str | bool] = {"kind": kind, "keep": 0, "summary_id": identity}
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
        # A wait right before a section, or inside, belongs to the section.
        group = self._group if self.ops and self.ops[-1].kind == "acquire" else self._group + 1
        if word[0] == "t":
            self.ops.append(Op("think", group=group, steps=int(word[1:])))
        else:
            self.ops.append(Op("pause", group=group, duration_ms=int(word[1:])))


def _process_fault(words: str) -> Fault:
    """Return the fault of ``kill@3``, ``torn@3``, ``stop60@3`` and the like, step from 1, or ``eintr``."""
    if words == "eintr":
        return Fault("flock", "EINTR", file="lock")
    what, _, nth = words.partition("@")
    name, lasts_ms = what.rstrip("0123456789"), what.lstrip("abcdefghijklmnopqrstuvwxyz")
    if name == "kill":
        return Fault(nth=int(nth), file="any", kill=True)
    if name == "torn":
        return Fault("write", keep_permille=500, nth=int(nth), file="any", kill=True)
    return Fault(nth=int(nth), file="any", **{f"{name}_ms": int(lasts_ms)})  # type: ignore[arg-type]


def program_of(control: str) -> Program:
    """Return the program of a control's story."""
    story, drawn = STORIES[control], plan.draw(scenario_of(control), 1, 0)
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
