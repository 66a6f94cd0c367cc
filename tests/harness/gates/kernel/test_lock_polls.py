"""A lane that asks for a lock again and again waits for it: it neither starves the holder nor looks busy."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.explore.exhaust.dpor import Tree
from harness.explore.exhaust.oracle_dependency import oracle_access_sets
from harness.gates.kernel.lock_polls import ATTEMPTS_MAX
from harness.model.gate import Candidate
from harness.strategies import make
from tests.harness.gates.kernel.asking import Asking
from tests.harness.gates.kernel.stage import Scripted, Seen, Stage, Until, program_of

pytestmark = pytest.mark.requires("kernel-gate")


class Eager(Scripted):
    """Lets lane 1 go whenever it can, once lane 0 has come to a call."""

    def __init__(self, until: str) -> None:
        super().__init__([Until(0, until)])

    def pick(self, candidates: Sequence[Candidate]) -> int:
        picked = super().pick(candidates)
        places = [place for place, candidate in enumerate(candidates) if candidate.lane == 1]
        return places[0] if places and not self._left else picked


KINDS = ("flock", "record", "file", "directory", "link", "symlink")
BETWEEN = ("nothing", "look", "sleep")
THINKS = 120


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("asking"), Asking, ["p", "q"]) as stage:
        yield stage


def held(stage: Stage, kind: str, word: str, *after: str) -> Seen:
    """Lane 0 holds a lock while it takes `THINKS` steps; lane 1, which asks for it, goes whenever it can."""
    words = [["open", kind, f"think:{THINKS}", *after], ["open", word]]
    return stage.play(program_of(stage.lanes, words), Eager("think"))


def attempts(seen: Seen) -> int:
    """How often lane 1 asked, by its own count."""
    return int(seen.said(1)[-1].split()[-1])


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lane_that_asks_for_ever_lets_the_holder_go_on(stage: Stage, kind: str, between: str) -> None:
    seen = held(stage, kind, f"{kind}__{between}__ever", f"go_{kind}")
    assert not seen.end.inconclusive
    assert not seen.end.waiting
    assert seen.said(1)[-1].startswith("had after")
    assert attempts(seen) < 40


@pytest.mark.parametrize("kind", ["flock", "record", "directory"])
def test_a_lane_that_gives_up_does_so_while_the_holder_is_at_work(stage: Stage, kind: str) -> None:
    """After so many attempts as the holder's steps allow; a fence that errs then can be found."""
    seen = held(stage, kind, f"{kind}__look__few", f"go_{kind}")
    assert seen.said(1)[-1] == "gave up after 20"
    gave_up = max(at for at, step in enumerate(seen.steps) if step.lane == 1)
    assert any(step.lane == 0 and step.call == "think" for step in seen.steps[gave_up:])


@pytest.mark.parametrize(
    ("kind", "between"),
    [*((kind, "nothing") for kind in KINDS), ("flock", "look"), ("flock", "sleep"), ("file", "sleep")],
)
def test_a_lock_that_is_never_let_go_is_a_dead_end_with_its_name(
    stage: Stage, kind: str, between: str
) -> None:
    seen = held(stage, kind, f"{kind}__{between}__ever")
    assert not seen.end.inconclusive
    ((lane, why),) = seen.end.waiting
    assert lane == 1
    name = {"flock": "the flock on T.flock", "record": "the record lock on T.flock"}.get(kind, f"T.{kind}")
    assert f"times in vain for {name} (lane0 has it and has no more operations)" in why
    assert int(why.split()[3]) > ATTEMPTS_MAX


@pytest.mark.parametrize(
    ("kind", "between"), [("flock", "nothing"), ("record", "nothing"), ("flock", "sleep"), ("file", "sleep")]
)
def test_a_lane_that_gives_up_after_many_attempts_is_no_dead_end(
    stage: Stage, kind: str, between: str
) -> None:
    seen = held(stage, kind, f"{kind}__{between}__many")
    assert not seen.end.inconclusive
    assert not seen.end.waiting
    assert seen.said(1)[-1] == "gave up after 900"


def test_lanes_that_ask_for_each_other_s_lock_are_a_dead_end(stage: Stage) -> None:
    script = [Until(0, "think"), Until(1, "think")]
    seen = stage.run(
        ["open", "flock", "think:1", "flock_other__look__ever"],
        ["open", "flock_other", "think:1", "flock__nothing__ever"],
        script=script,
    )
    assert not seen.end.inconclusive
    assert [lane for lane, _ in seen.end.waiting] == [0, 1]
    texts = [why for _, why in seen.end.waiting]
    assert "for the flock on T.other (lane1 has it and stands before a file call)" in texts[0]
    assert "for the flock on T.flock (lane0 has it and stands before a file call)" in texts[1]


@pytest.mark.parametrize("between", BETWEEN)
def test_a_holder_that_sleeps_is_waited_for_in_a_dozen_attempts(stage: Stage, between: str) -> None:
    words = [["open", "flock", "pause:10000", "go_flock"], ["open", f"flock__{between}__ever"]]
    seen = stage.play(program_of(stage.lanes, words), Eager("sleep"))
    assert not seen.end.waiting
    assert 5 < attempts(seen) < 20


def test_a_file_that_is_opened_and_emptied_at_each_attempt_is_waited_for(stage: Stage) -> None:
    seen = held(stage, "flock", "flock_opened__nothing__ever", "go_flock")
    assert attempts(seen) < 40


def test_a_lane_that_writes_between_is_at_work(stage: Stage) -> None:
    """It goes on as long as the strategy likes it best, and the reason for the end names no lock."""
    seen = held(stage, "flock", "flock__write__ever", "go_flock")
    assert seen.end.inconclusive == "not over after 2000 steps, the steps_max of its scenario"
    assert not seen.end.waiting


def test_a_schedule_that_is_too_long_says_which_lane_waits(stage: Stage) -> None:
    words = [["open", "flock", "think:2000"], ["open", "flock__nothing__ever"]]
    seen = stage.play(program_of(stage.lanes, words), make("random"), 1)
    reason, _, why = seen.end.inconclusive.partition("; ")
    assert reason == "not over after 2000 steps, the steps_max of its scenario"
    assert why.startswith("lane1: it has asked ")
    assert why.endswith("for the flock on T.flock (lane0 has it and waits for its model)")


def test_a_lock_is_offered_as_soon_as_it_is_let_go(stage: Stage) -> None:
    seen = held(stage, "flock", "flock__look__ever", "go_flock", "think:50")
    freed = max(at for at, step in enumerate(seen.steps) if step.call == "flock" and step.lane == 0)
    assert [step.lane for step in seen.steps[freed + 1 :]].index(1) == 0


@pytest.mark.parametrize("strategy", ["pct", "delay", "random", "surw", "pos", "round-robin"])
def test_no_strategy_starves_the_holder(stage: Stage, strategy: str) -> None:
    words = [["open", "flock", "think:30", "go_flock"], ["open", "flock__look__ever", "go_flock"]]
    for seed in range(6):
        seen = stage.play(program_of(stage.lanes, words), make(strategy), seed)
        assert not seen.end.inconclusive, seed
        assert not seen.end.waiting, seed
        assert len(seen.steps) < 250, seed


def test_an_exhaustive_search_finds_all_orders_of_attempts(stage: Stage) -> None:
    """A lane that waits is kept back until the lock is free; the orders that are left out look the same."""
    program = program_of(stage.lanes, [["turn"], ["turn"]])
    found: list[set[tuple[object, ...]]] = []
    stage.gate.tells_access_sets = True
    for reduce in (True, False):
        tree, seen = Tree(reduce=reduce), set()
        while not tree.exhausted:
            one = stage.play(program, tree)
            assert not tree.strange and not one.end.inconclusive and not one.end.waiting
            tree.learn(oracle_access_sets(one.steps, stage.lanes))
            if not tree.redundant:
                seen.add((*one.said(0), *one.said(1), one.end.final.content))
        found.append(seen)
    stage.gate.tells_access_sets = False
    assert found[0] == found[1]
    # Each lane first, and the other one had to ask up to three times.
    assert len(found[0]) == 6


@pytest.mark.parametrize("tail", ["", "go_flock"])
def test_the_same_choices_lead_to_the_same_history(stage: Stage, tail: str) -> None:
    words = [["open", "flock", "think:30", *filter(None, [tail])], ["open", "flock__sleep__ever"]]
    twice = [stage.play(program_of(stage.lanes, words), make("random"), 5).events for _ in range(2)]
    assert twice[0] == twice[1]
