"""Programs of reads, writes and locks without a process, and all outcomes that they can have."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Iterator, Sequence

from harness.explore.exhaust.dpor import Tree
from harness.model.access_set import NOTHING, AccessSet
from harness.model.gate import Candidate

__all__ = ["Run", "all_classes", "all_outcomes", "explore", "random_program"]

#: A lane: steps such as ``r:x``, ``w:x``, ``l:m`` (lock, waits), ``u:m`` (unlock), ``-`` (local).
Lanes = Sequence[Sequence[str]]


@dataclasses.dataclass
class Run:
    """One execution: the lane of each step, and the values that were read."""

    lanes: Lanes
    order: list[int] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.at = [0] * len(self.lanes)
        self.value: dict[str, tuple[int, int]] = {}
        self.owner: dict[str, int] = {}
        self.seen: list[tuple[int, int, tuple[int, int]]] = []

    def ready(self) -> list[int]:
        return [lane for lane in range(len(self.lanes)) if self._can(lane)]

    def _can(self, lane: int) -> bool:
        if self.at[lane] == len(self.lanes[lane]):
            return False
        kind, _, name = self.lanes[lane][self.at[lane]].partition(":")
        return kind != "l" or name not in self.owner

    def next(self, lane: int) -> str:
        return self.lanes[lane][self.at[lane]]

    def step(self, lane: int) -> None:
        kind, _, name = self.next(lane).partition(":")
        if kind == "r":
            self.seen.append((lane, self.at[lane], self.value.get(name, (-1, -1))))
        elif kind == "w":
            self.value[name] = (lane, self.at[lane])
        elif kind == "l":
            self.owner[name] = lane
        elif kind == "u":
            del self.owner[name]
        self.at[lane] += 1
        self.order.append(lane)

    def waiting(self) -> list[int]:
        return [lane for lane, at in enumerate(self.at) if at < len(self.lanes[lane])]

    def outcome(self) -> tuple[object, ...]:
        """Return all that can be observed: values read, values at the end, and where lanes got stuck."""
        return tuple(sorted(self.seen)), tuple(sorted(self.value.items())), tuple(self.at)

    def klass(self) -> frozenset[tuple[tuple[int, int], tuple[int, int]]]:
        """Return the order of all conflicting steps: the class of the schedule."""
        count = [0] * len(self.lanes)
        steps = []
        for lane in self.order:
            steps.append((lane, count[lane], self.lanes[lane][count[lane]]))
            count[lane] += 1
        return frozenset(
            ((a[0], a[1]), (b[0], b[1]))
            for a, b in itertools.combinations(steps, 2)
            if a[0] != b[0] and _conflict(a[2], b[2])
        )


def _conflict(one: str, other: str) -> bool:
    (kind, _, name), (kind2, _, name2) = one.partition(":"), other.partition(":")
    return name != "" and name == name2 and (kind, kind2) != ("r", "r")


def access_set(step: str) -> AccessSet:
    kind, _, name = step.partition(":")
    if kind == "-":
        return AccessSet()
    it = frozenset({name})
    if kind == "r":
        return AccessSet(reads=it)
    return AccessSet(
        writes=it, waits=it if kind == "l" else frozenset(), frees=it if kind == "u" else frozenset()
    )


def _all(lanes: Lanes) -> Iterator[Run]:
    todo: list[list[int]] = [[]]
    while todo:
        order = todo.pop()
        run = Run(lanes)
        for lane in order:
            run.step(lane)
        ready = run.ready()
        if not ready:
            yield run
        todo += [[*order, lane] for lane in ready]


def all_outcomes(lanes: Lanes) -> set[tuple[object, ...]]:
    """Return the executions of every interleaving, tried one by one."""
    return {run.outcome() for run in _all(lanes)}


def all_classes(lanes: Lanes) -> set[object]:
    """Return every class of schedules."""
    return {run.klass() for run in _all(lanes)}


def explore(lanes: Lanes, tree: Tree, most: int = 100_000) -> list[Run]:
    """Return the executions of a tree, without the redundant ones."""
    runs = []
    for _ in range(most):
        run = Run(lanes)
        tree.begin(random.Random(0), len(lanes))
        last = -1
        while ready := run.ready():
            ready.sort(key=lambda lane, last=last: (lane != last, lane))
            candidates = [
                Candidate(lane, 0, run.at[lane], run.next(lane), "", True, access_set(run.next(lane)))
                for lane in ready
            ]
            last = candidates[tree.pick(candidates)].lane
            run.step(last)
        tree.end(len(run.order))
        tree.learn([NOTHING] * len(run.order), run.waiting())
        assert not tree.strange
        if not tree.redundant:
            runs.append(run)
        if tree.exhausted:
            return runs
    raise AssertionError(f"not exhausted after {most} schedules")


def random_program(rng: random.Random, lanes: int, steps: int) -> list[list[str]]:
    """Return lanes of random steps, some of them in locked sections."""
    program = []
    for _ in range(lanes):
        lane: list[str] = []
        while len(lane) < steps:
            if rng.random() < 0.3:
                lock = rng.choice("mn")
                inner = [_plain(rng) for _ in range(rng.randrange(3))]
                lane += [f"l:{lock}", *inner, f"u:{lock}"]
            else:
                lane.append(_plain(rng))
        program.append(lane[: steps + 2] if not _open(lane[: steps + 2]) else lane)
    return program


def _open(lane: Sequence[str]) -> bool:
    return sum(step.startswith("l:") for step in lane) != sum(step.startswith("u:") for step in lane)


def _plain(rng: random.Random) -> str:
    return rng.choice(["r:x", "w:x", "r:y", "w:y", "-"])
