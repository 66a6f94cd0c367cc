"""Depth-first search over the choices of one program.

A `Tree` is a strategy that remembers: each schedule follows the choices of the one
before up to the deepest place where another lane may still go first, and goes on from
there. With ``reduce`` it takes one schedule of each class (source-set DPOR with sleep
sets: Abdulla, Aronis, Jonsson, Sagonas, POPL 2014; Godefroid 1996), without it all of
them. A bound on preemptions (Musuvathi, Qadeer, PLDI 2007) goes with the latter only,
because a class may have its cheapest member cut away.

A class is a set of schedules that differ in the order of steps that commute. Its
members show a fence the same things, but for absolute times: each step takes its own
bit of virtual time, so a scenario that cuts time to a grain must not be reduced.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import ClassVar

from harness.explore.exhaust.oracle_dependency import POSSIBLE
from harness.explore.exhaust.reversible_races import Trace
from harness.model.access_set import ANYTHING, NOTHING, AccessSet, conflict
from harness.model.gate import Candidate
from harness.strategies.strategy import Strategy

__all__ = ["Tree"]


class _Frame:
    """One place in the tree: a state before a step.

    Attributes:
        keys: what could be picked, to tell whether a program does the same again.
        footprints: of each lane that can go, as the gate tells them.
        sleep: lanes whose going first here leads to classes seen elsewhere, with what
            the oracle makes of their step.
        wanted: lanes that have to go first here, at some time.
        done: those that went, likewise.
        picked: the one that goes now.
        bearing: what the oracle makes of its step.
        spent: preemptions before this place.
    """

    __slots__ = ("bearing", "done", "footprints", "keys", "picked", "sleep", "spent", "wanted")

    def __init__(
        self, keys: tuple[tuple[object, ...], ...], footprints: dict[int, AccessSet], spent: int
    ) -> None:
        self.keys = keys
        self.footprints = footprints
        self.sleep: dict[int, AccessSet] = {}
        self.wanted: set[int] = set()
        self.done: dict[int, AccessSet] = {}
        self.picked = -1
        self.bearing = POSSIBLE
        self.spent = spent

    @property
    def step(self) -> AccessSet:
        """All that the picked step touches."""
        return self.footprints[self.picked].with_(self.bearing)

    def still_asleep(self, footprints: dict[int, AccessSet]) -> dict[int, AccessSet]:
        """Lanes that sleep below, where those are the footprints."""
        step = self.step
        return {
            lane: bearing
            for lane, bearing in (self.sleep | self.done).items()
            if lane != self.picked
            and lane in footprints
            and not conflict(self.footprints[lane].with_(bearing), step)
        }

    def left(self) -> set[int]:
        """Lanes that still have to go first here."""
        return self.wanted - self.done.keys() - self.sleep.keys()


class Tree(Strategy):
    """Strategy that comes through every class of schedules of one program.

    Args:
        reduce: one schedule a class is enough.
        preemptions_max: most times that a lane is left although it could go on; None
            for no bound. Only without `reduce`.

    Attributes:
        exhausted: nothing is left.
        schedules: how many have begun, redundant ones too.
        redundant: the last schedule belonged to a class that had been seen.
        strange: why the last schedule was not the one that was asked for; else empty.
    """

    name: ClassVar[str] = "exhaustive"
    about: ClassVar[str] = "every class of schedules of a program, depth first (source-set DPOR)"

    def __init__(self, reduce: bool = True, preemptions_max: int | None = None) -> None:
        assert preemptions_max is None or not reduce, "a bound loses classes under reduction"
        self._reduce = reduce
        self._bound = preemptions_max
        self._frames: list[_Frame] = []
        self._lanes = 0
        self.exhausted = False
        self.schedules = 0
        self.redundant = False
        self.strange = ""

    # One schedule

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Follow the tree to the deepest place with something left."""
        assert not self.exhausted
        self._lanes = lanes
        self.schedules += 1
        self._depth = 0
        self._off = False
        self.redundant = False
        self.strange = ""
        if self._frames:
            frame = self._frames[-1]
            frame.picked = min(frame.left())

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """As the tree says; on new ground the lane that stepped last goes on."""
        if self._off:
            return 0
        if self._depth < len(self._frames):
            frame = self._frames[self._depth]
            if frame.keys != _keys(candidates):
                self._off = True
                now, before = _told(_keys(candidates)), _told(frame.keys)
                self.strange = (
                    f"step {self._depth}: the same choices led to {now} this time and to {before} before; "
                    "nondeterminism"
                )
                return 0
        else:
            found = self._grow(candidates)
            if found is None:
                self._off = self.redundant = True
                return 0
            frame = found
        self._depth += 1
        return next(at for at, one in enumerate(candidates) if one.lane == frame.picked)

    def end(self, steps: int) -> None:
        """See `learn`."""

    def learn(self, bearings: Sequence[AccessSet], waiting: Sequence[int] = ()) -> None:
        """Find out from the schedule that is over which orders are left.

        Args:
            bearings: step by step, what the oracle makes of it; see `oracle_dependency`.
            waiting: lanes that could not go on at its end.
        """
        if self.strange:
            return
        if self._reduce:
            for frame, bearing in zip(self._frames, bearings, strict=False):
                frame.bearing = bearing
            for parent, frame in itertools.pairwise(self._frames):
                frame.sleep = parent.still_asleep(frame.footprints)
            self._reverse_races(waiting)
        while self._frames:
            frame = self._frames[-1]
            frame.done[frame.picked] = frame.bearing
            if frame.left():
                return
            self._frames.pop()
        self.exhausted = True

    # The tree

    def _grow(self, candidates: Sequence[Candidate]) -> _Frame | None:
        """A frame for a state that no schedule has been in; None when all that can go sleep."""
        footprints = {one.lane: one.access_set or NOTHING for one in candidates}
        parent = self._frames[-1] if self._frames else None
        frame = _Frame(_keys(candidates), footprints, self._spent(parent))
        if parent is not None and self._reduce:
            # What the step above meant to the oracle is not known yet; `learn` makes this exact.
            parent.bearing = POSSIBLE
            frame.sleep = parent.still_asleep(footprints)
        awake = [one.lane for one in candidates if one.lane not in frame.sleep]
        if not awake:
            return None
        frame.picked = awake[0]
        frame.wanted.add(awake[0])
        # Under a bound, leaving a lane before a step that touches nothing is leaving it after.
        if not self._reduce and (self._bound is None or not footprints[awake[0]].empty):
            frame.wanted.update(self._affordable(parent, frame, awake))
        self._frames.append(frame)
        return frame

    def _spent(self, parent: _Frame | None) -> int:
        """Preemptions up to a new frame below `parent`."""
        if parent is None:
            return 0
        before = self._frames[-2].picked if len(self._frames) > 1 else parent.picked
        return parent.spent + (before != parent.picked and before in parent.footprints)

    def _affordable(self, parent: _Frame | None, frame: _Frame, awake: list[int]) -> list[int]:
        """Lanes that may go first without more preemptions than allowed."""
        current = parent.picked if parent is not None else -1
        if self._bound is None or current not in frame.footprints or frame.spent < self._bound:
            return awake
        return [current]

    def _reverse_races(self, waiting: Sequence[int]) -> None:
        frames = self._frames
        # What those who wait for ever would have done is not known: it may conflict with anything.
        lanes = [*(frame.picked for frame in frames), *waiting]
        footprints = [frame.step for frame in frames]
        trace = Trace(lanes, [*footprints, *(ANYTHING for _ in waiting)], self._lanes)
        for early, late in trace.races():
            place: int | None = early
            if early >= len(frames):
                continue
            if late >= len(frames) or trace.waited(early, late):
                # What can be reversed is not who let go and who took, but who took first.
                while place is not None:
                    if not trace.waited(place, late):
                        self._want(frames[place], trace.initials(place, late))
                    place = trace.earlier(place, late)
            else:
                self._want(frames[early], trace.initials(early, late))

    def _want(self, frame: _Frame, initials: list[int]) -> None:
        """Have one of those lanes go first at a frame; any that can, where none of them can."""
        able = [lane for lane in initials if lane in frame.footprints]
        if not able:
            frame.wanted.update(frame.footprints)
        elif not frame.wanted.intersection(able):
            frame.wanted.add(able[0])


def _keys(candidates: Sequence[Candidate]) -> tuple[tuple[object, ...], ...]:
    return tuple(sorted((one.lane, one.op, one.ordinal, one.call, one.path) for one in candidates))


def _told(keys: tuple[tuple[object, ...], ...]) -> str:
    return ", ".join(f"lane {lane} op {op}.{ordinal} {call} {path}" for lane, op, ordinal, call, path in keys)
