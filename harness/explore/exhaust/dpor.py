"""Depth-first search over the choices of one program.

A `Tree` is a strategy with a memory: each schedule follows the choices of the one
before up to the deepest place where another lane may still go first, and goes on from
there. With ``reduce`` it takes one schedule of each class (source-set DPOR with sleep
sets: Abdulla, Aronis, Jonsson, Sagonas, POPL 2014; Godefroid 1996), without it all of
them. A bound on preemptions (Musuvathi, Qadeer, PLDI 2007) goes with the latter only,
because a class may have its cheapest member cut away.

A class is a set of schedules that differ in the order of steps that commute. A fence
sees the same in all of them, except absolute times: each step takes its own
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
        keys: the candidates, to check that a program does the same again.
        access_sets: of each lane that can go, as the gate tells them.
        sleep: lanes that lead to classes seen elsewhere if they go first here, each with
            the oracle's access set of its step.
        wanted: lanes that have to go first here at some time.
        done: lanes that went first here, each with the oracle's access set of its step.
        picked: the lane that goes now.
        oracle_accesses: the oracle's access set of its step.
        spent: preemptions before this place.
    """

    __slots__ = ("access_sets", "done", "keys", "oracle_accesses", "picked", "sleep", "spent", "wanted")

    def __init__(
        self, keys: tuple[tuple[object, ...], ...], access_sets: dict[int, AccessSet], spent: int
    ) -> None:
        self.keys = keys
        self.access_sets = access_sets
        self.sleep: dict[int, AccessSet] = {}
        self.wanted: set[int] = set()
        self.done: dict[int, AccessSet] = {}
        self.picked = -1
        self.oracle_accesses = POSSIBLE
        self.spent = spent

    @property
    def step(self) -> AccessSet:
        """Access set of the picked step, for the lanes and for the oracle."""
        return self.access_sets[self.picked].with_(self.oracle_accesses)

    def still_asleep(self, access_sets: dict[int, AccessSet]) -> dict[int, AccessSet]:
        """Return the lanes that sleep in the next frame, in which lanes have these access sets."""
        step = self.step
        return {
            lane: accesses
            for lane, accesses in (self.sleep | self.done).items()
            if lane != self.picked
            and lane in access_sets
            and not conflict(self.access_sets[lane].with_(accesses), step)
        }

    def left(self) -> set[int]:
        """Return the lanes that still have to go first here."""
        return self.wanted - self.done.keys() - self.sleep.keys()


class Tree(Strategy):
    """Strategy that goes through every class of schedules of one program.

    Args:
        reduce: whether one schedule a class is enough.
        preemptions_max: most times that a lane is left although it could go on; None
            for no bound. Only without `reduce`.

    Attributes:
        exhausted: whether nothing is left.
        schedules: how many have begun, redundant ones too; one that was void and begins again counts once.
        redundant: whether the last schedule belonged to a class that had been seen.
        strange: why the last schedule was not the one that was asked for; else empty.
    """

    name: ClassVar[str] = "exhaustive"
    about: ClassVar[str] = "every class of schedules of a program, depth first (source-set DPOR)"
    sees_own_steps: ClassVar[bool] = True

    def __init__(self, reduce: bool = True, preemptions_max: int | None = None) -> None:
        assert preemptions_max is None or not reduce, "a bound loses classes under reduction"
        self._reduce = reduce
        self._bound = preemptions_max
        self._frames: list[_Frame] = []
        self._lanes = 0
        self.exhausted = False
        self._again = False
        self.schedules = 0
        self.redundant = False
        self.strange = ""

    # One schedule

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Follow the tree to the deepest place with something left."""
        assert not self.exhausted
        self._lanes = lanes
        self.schedules += not self._again
        self._again = True
        self._depth = 0
        self._off = False
        self.redundant = False
        self.strange = ""
        if self._frames:
            frame = self._frames[-1]
            frame.picked = min(frame.left())

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the tree's choice; in a new state the lane that stepped last goes on."""
        if self._off:
            return 0
        if self._depth < len(self._frames):
            frame = self._frames[self._depth]
            if frame.keys != _keys(candidates):
                self._off = True
                now, before = _listed(_keys(candidates)), _listed(frame.keys)
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

    def learn(self, oracle_accesses: Sequence[AccessSet], waiting: Sequence[int] = ()) -> None:
        """Work out from the schedule that is over which orders are left.

        Args:
            oracle_accesses: the oracle's access set of each step, see `oracle_dependency`.
            waiting: lanes that could not go on at its end.
        """
        self._again = False
        if self.strange:
            return
        if self._reduce:
            for frame, accesses in zip(self._frames, oracle_accesses, strict=False):
                frame.oracle_accesses = accesses
            for parent, frame in itertools.pairwise(self._frames):
                frame.sleep = parent.still_asleep(frame.access_sets)
            self._reverse_races(waiting)
        while self._frames:
            frame = self._frames[-1]
            frame.done[frame.picked] = frame.oracle_accesses
            if frame.left():
                return
            self._frames.pop()
        self.exhausted = True

    # The tree

    def _grow(self, candidates: Sequence[Candidate]) -> _Frame | None:
        """Return a frame for a state that no schedule has been in; None if all lanes that can go sleep."""
        access_sets = {one.lane: one.access_set or NOTHING for one in candidates}
        parent = self._frames[-1] if self._frames else None
        frame = _Frame(_keys(candidates), access_sets, self._spent(parent))
        if parent is not None and self._reduce:
            # The oracle's access set of the step above is not known yet; `learn` makes this exact.
            parent.oracle_accesses = POSSIBLE
            frame.sleep = parent.still_asleep(access_sets)
        awake = [one.lane for one in candidates if one.lane not in frame.sleep]
        if not awake:
            return None
        frame.picked = awake[0]
        frame.wanted.add(awake[0])
        # Under a bound a switch before a step that touches nothing is the same as one after it.
        if not self._reduce and (self._bound is None or not access_sets[awake[0]].empty):
            frame.wanted.update(self._affordable(parent, frame, awake))
        self._frames.append(frame)
        return frame

    def _spent(self, parent: _Frame | None) -> int:
        """Return the preemptions up to a new frame below `parent`."""
        if parent is None:
            return 0
        before = self._frames[-2].picked if len(self._frames) > 1 else parent.picked
        return parent.spent + (before != parent.picked and before in parent.access_sets)

    def _affordable(self, parent: _Frame | None, frame: _Frame, awake: list[int]) -> list[int]:
        """Return the lanes that may go first without more preemptions than allowed."""
        current = parent.picked if parent is not None else -1
        if self._bound is None or current not in frame.access_sets or frame.spent < self._bound:
            return awake
        return [current]

    def _reverse_races(self, waiting: Sequence[int]) -> None:
        frames = self._frames
        # The next step of a lane that waits for ever is not known: it may conflict with anything.
        lanes = [*(frame.picked for frame in frames), *waiting]
        access_sets = [frame.step for frame in frames]
        trace = Trace(lanes, [*access_sets, *(ANYTHING for _ in waiting)], self._lanes)
        for early, late in trace.races():
            place: int | None = early
            if early >= len(frames):
                continue
            if late >= len(frames) or trace.waited(early, late):
                # Release and acquisition cannot be exchanged, but the order of the two acquisitions can.
                while place is not None:
                    if not trace.waited(place, late):
                        self._want(frames[place], trace.initials(place, late))
                    place = trace.earlier(place, late)
            else:
                self._want(frames[early], trace.initials(early, late))

    def _want(self, frame: _Frame, initials: list[int]) -> None:
        """Let one of those lanes go first at a frame, or every lane that can if none of them can."""
        able = [lane for lane in initials if lane in frame.access_sets]
        if not able:
            frame.wanted.update(frame.access_sets)
        elif not frame.wanted.intersection(able):
            frame.wanted.add(able[0])


def _keys(candidates: Sequence[Candidate]) -> tuple[tuple[object, ...], ...]:
    return tuple(sorted((one.lane, one.op, one.ordinal, one.call, one.path) for one in candidates))


def _listed(keys: tuple[tuple[object, ...], ...]) -> str:
    return ", ".join(f"lane {lane} op {op}.{ordinal} {call} {path}" for lane, op, ordinal, call, path in keys)
