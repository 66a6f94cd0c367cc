"""Every strategy keeps its protocol, and finds in small models what it promises."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.errors import UsageError
from harness.model.gate import Candidate
from harness.model.schedule import Choice, Schedule
from harness.strategies import STRATEGIES, make
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.strategies.recorded import Recorded
from harness.strategies.round_robin import RoundRobin
from harness.strategies.strategy import Strategy
from harness.strategies.switches import Switch, Switches

every = pytest.mark.parametrize("name", sorted(STRATEGIES))


class Draws:
    """A generator that returns given numbers."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = list(numbers)

    def random(self) -> float:
        return self.numbers.pop(0)


def play(strategy: Strategy, rng: object, *steps: int) -> list[int]:
    """Play lanes with so many steps each, and return the lane of each step."""
    strategy.begin(rng, len(steps))  # type: ignore[arg-type]
    taken = [0] * len(steps)
    went: list[int] = []
    while True:
        lanes = [lane for lane, total in enumerate(steps) if taken[lane] < total]
        if not lanes:
            strategy.end(len(went))
            return went
        if went and went[-1] in lanes:
            lanes.remove(went[-1])
            lanes.insert(0, went[-1])
        candidates = [Candidate(lane, 0, taken[lane], "write", "T", True) for lane in lanes]
        before = [(c.lane, c.op, c.ordinal) for c in candidates]
        place = strategy.pick(candidates)
        assert type(place) is int
        assert 0 <= place < len(candidates)
        assert [(c.lane, c.op, c.ordinal) for c in candidates] == before
        went.append(lanes[place])
        taken[lanes[place]] += 1


def share(strategy: Strategy, shows: Callable[[list[int]], bool], count: int, *steps: int) -> float:
    """Return the share of `count` schedules that show something."""
    return sum(shows(play(strategy, random.Random(seed), *steps)) for seed in range(count)) / count


# All strategies


@every
@given(seed=st.integers(), steps=st.lists(st.integers(0, 12), min_size=1, max_size=6))
def test_a_schedule_is_a_function_of_the_seed(name: str, seed: int, steps: list[int]) -> None:
    used = make(name)
    play(used, random.Random(seed + 1), 5, 5)
    random.seed(1)
    first = play(used, random.Random(seed), *steps)
    random.seed(2)
    assert play(make(name), random.Random(seed), *steps) == first
    assert Counter(first) == Counter({lane: total for lane, total in enumerate(steps) if total})


@every
def test_seeds_make_a_difference(name: str) -> None:
    strategy = make(name)
    assert len({tuple(play(strategy, random.Random(seed), 6, 6, 6)) for seed in range(100)}) > 10


@every
def test_every_lane_can_be_the_first(name: str) -> None:
    strategy = make(name)
    firsts = Counter(play(strategy, random.Random(seed), 3, 3, 3)[0] for seed in range(300))
    assert all(60 < firsts[lane] < 140 for lane in range(3)), firsts


@every
def test_each_strategy_describes_itself(name: str) -> None:
    assert make(name).name == name
    assert "\n" not in STRATEGIES[name].about
    assert len(STRATEGIES[name].about) > 20


def test_an_unknown_name_is_refused_with_the_known_names() -> None:
    with pytest.raises(UsageError, match=r"--strategy rnadom: unknown.*portfolio, surw.*round-robin.*pct:D"):
        make("rnadom")


@pytest.mark.parametrize("name", ["pct:1", "pct:16", "delay:2", "portfolio"])
def test_a_name_may_carry_a_number(name: str) -> None:
    assert make(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        *("pct:0", "pct:17", "pct:", "pct:x", "pct:02", "pct:-1", "surw:2", "delay:1.5", ":", "", "pct:2:3"),
        *("portfolio:", "portfolio:surw", "portfolio:surw=0", "portfolio:surw=x", "portfolio:=1"),
        *("portfolio:luck=1", "portfolio:portfolio=1", "portfolio:pct:0=1", "portfolio:surw=1,"),
    ],
)
def test_a_name_with_a_bad_argument_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"unknown, expected one of"):
        make(name)


@pytest.mark.parametrize("name", ["pct:3", "delay:1", "portfolio:surw=1,pct:2=3", "portfolio:pos=1"])
def test_a_strategy_with_an_argument_keeps_the_protocol(name: str) -> None:
    for seed in range(50):
        assert Counter(play(make(name), random.Random(seed), 3, 0, 5)) == {0: 3, 2: 5}


# Random walk


def test_a_random_walk_picks_each_candidate_equally_often() -> None:
    walk = RandomWalk()
    walk.begin(random.Random(5), 3)
    shown = [Candidate(lane, 0, 0, "write", "T", True) for lane in range(3)]
    counts = Counter(walk.pick(shown) for _ in range(9000))
    assert all(abs(counts[place] - 3000) < 180 for place in range(3)), counts


def test_a_random_walk_loses_an_update_in_half_the_schedules() -> None:
    """Two lanes read and write: an update is lost unless one lane ends first; 1/2 by hand."""

    def lost(went: list[int]) -> bool:
        return went not in ([0, 0, 1, 1], [1, 1, 0, 0])

    assert abs(share(RandomWalk(), lost, 4000, 2, 2) - 0.5) < 0.035


# PCT


def in_the_gap(went: list[int]) -> bool:
    """Return whether lane 1 steps between the fourth and fifth step of lane 0; a bug of depth 2."""
    places = [at for at, lane in enumerate(went) if lane == 0]
    return 1 in went[places[3] : places[4]]


def test_pct_keeps_its_bound_on_a_bug_of_depth_2() -> None:
    """At least 1 / (n k), where k is 32, 64 or 128. By hand it is 1.5 times that."""
    lengths = sum(1 / length for length in (32, 64, 128)) / 3
    found = share(Pct(2), in_the_gap, 12_000, 8, 8, 8)
    assert found >= lengths / 3
    # Lane 0 begins, or begins after lane 2, and is changed at its fifth step: (1/3 + 1/6) / k.
    assert abs(found - lengths / 2) < 0.0036


def test_pct_finds_an_order_at_any_length() -> None:
    """A bug of depth 1: lane 2 before all the others, one in three."""
    found = share(Pct(1), lambda went: went[:4] == [2] * 4, 3000, 4, 4, 4)
    assert abs(found - 1 / 3) < 0.035


def test_pct_of_depth_1_never_preempts_a_lane() -> None:
    for seed in range(200):
        went = play(Pct(1), random.Random(seed), 5, 5, 5, 5)
        assert sum(a != b for a, b in itertools.pairwise(went)) == 3


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_pct_switches_at_most_once_for_each_change_point(depth: int) -> None:
    most = 0
    for seed in range(2000):
        went = play(Pct(depth), random.Random(seed), 9, 9, 9, 9)
        most = max(most, sum(a != b for a, b in itertools.pairwise(went)))
    # Three for lanes that are done, and two for each change: away, and back at the end.
    assert 3 < most <= 3 + 2 * (depth - 1)


def test_each_change_point_drops_a_lane_below_the_earlier_ones() -> None:
    """Depth 3, lanes in the order 2, 1, 0 of priority; changes before the second and the fourth step."""
    half = 0.999
    rng = Draws(half, half, 0.0, 1 / 32, 3 / 32)
    assert play(Pct(3), rng, 3, 3, 3) == [2, 1, 1, 0, 0, 0, 2, 2, 1]


def test_pct_draws_its_depth_unless_given() -> None:
    depths = Counter()
    for seed in range(1000):
        strategy = Pct()
        strategy.begin(random.Random(seed), 3)
        depths[len(strategy._changes) + 1] += 1
    assert set(depths) == {2, 3}
    assert 400 < depths[2] < 600


# Round robin


@pytest.mark.parametrize("quantum", range(1, 9))
def test_round_robin_gives_each_lane_its_quantum_in_turn(quantum: int) -> None:
    draws = Draws((quantum - 1) / 8, 0.4)
    expected = ([1] * quantum + [2] * quantum + [0] * quantum) * 3
    assert play(RoundRobin(), draws, *[3 * quantum] * 3) == expected


def test_round_robin_continues_after_a_lane_is_done() -> None:
    assert play(RoundRobin(), Draws(0.3, 0.0), 1, 4, 4) == [0, 1, 1, 1, 2, 2, 2, 1, 2]


# Replay


def candidates(*lanes: tuple[int, int]) -> list[Candidate]:
    """Return candidates by lane and ordinal."""
    return [Candidate(lane, 0, ordinal, "write", "T", True) for lane, ordinal in lanes]


def recorded(*choices: tuple[int, int]) -> Recorded:
    replay = Recorded(Schedule(tuple(Choice(lane, 0, ordinal) for lane, ordinal in choices)))
    replay.begin(random.Random(0), 3)
    return replay


@given(seed=st.integers(), steps=st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_a_replay_follows_the_record(seed: int, steps: list[int]) -> None:
    went = play(RandomWalk(), random.Random(seed), *steps)
    taken: Counter[int] = Counter()
    choices = []
    for lane in went:
        choices.append((lane, taken[lane]))
        taken[lane] += 1
    replay = recorded(*choices)
    for _ in range(2):
        assert play(replay, random.Random(0), *steps) == went
        assert replay.diverged is None


def test_a_replay_notes_the_first_step_that_differs() -> None:
    replay = recorded((0, 0), (1, 0), (1, 5))
    assert replay.pick(candidates((0, 0), (1, 0))) == 0
    assert replay.pick(candidates((0, 1), (1, 5))) == 1
    step, choice, there = replay.diverged or (None, None, None)
    assert (step, choice) == (1, Choice(1, 0, 0))
    assert there == "lane 0 op 0.1 write T, lane 1 op 0.5 write T"


def test_a_replay_skips_recorded_steps_that_never_came() -> None:
    replay = recorded((0, 0), (0, 1), (0, 2), (1, 0))
    assert replay.pick(candidates((0, 0), (1, 0))) == 0
    # Lane 0 is past its last recorded step, so lane 1 is next.
    assert replay.pick(candidates((0, 3), (1, 0))) == 1
    assert replay.followed == 2


def test_a_replay_lets_a_lane_take_unrecorded_steps() -> None:
    replay = recorded((0, 0), (0, 3), (1, 0))
    picks = [replay.pick(candidates((0, ordinal), (1, 0))) for ordinal in range(5)]
    assert picks == [0, 0, 0, 0, 1]
    assert replay.followed == 3
    assert replay.diverged is not None


def test_a_lane_that_could_not_go_catches_up_later() -> None:
    replay = recorded((0, 0), (0, 1), (1, 0), (0, 2))
    # Lane 0 cannot go.
    assert replay.pick(candidates((1, 0))) == 0
    assert [replay.pick(candidates((1, 1), (0, ordinal))) for ordinal in range(3)] == [1, 1, 1]


def test_without_switches_the_current_lane_goes_on() -> None:
    assert play(Switches(()), random.Random(0), 2, 3, 1) == [0, 0, 1, 1, 1, 2]


def test_a_switch_takes_effect_after_its_step() -> None:
    there = Switch(Choice(0, 0, 0), 2)
    assert play(Switches([there]), random.Random(0), 2, 1, 2) == [0, 2, 2, 0, 1]
    assert play(Switches([Switch(None, 1), there]), random.Random(0), 2, 1, 2) == [1, 0, 2, 2, 0]


def test_a_switch_cannot_be_changed() -> None:
    switch = Switch(Choice(0, 0, 0), 2)
    with pytest.raises(AttributeError):
        switch.to = 1  # type: ignore[misc]
    assert switch in {Switch(Choice(0, 0, 0), 2)}


def test_a_switch_at_a_step_that_never_comes_does_nothing() -> None:
    nowhere = [Switch(Choice(0, 0, 7), 1), Switch(Choice(1, 0, 0), 5)]
    assert play(Switches(nowhere), random.Random(0), 2, 2) == [0, 0, 1, 1]


@given(seed=st.integers(), steps=st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_the_switches_of_a_schedule_reproduce_it(seed: int, steps: list[int]) -> None:
    went = play(RandomWalk(), random.Random(seed), *steps)
    taken: Counter[int] = Counter()
    exceptions: list[Switch] = []
    last: Choice | None = None
    for lane in went:
        left = [other for other, total in enumerate(steps) if taken[other] < total]
        by_itself = last.lane if last is not None and last.lane in left else left[0]
        if lane != by_itself:
            exceptions.append(Switch(last, lane))
        last = Choice(lane, 0, taken[lane])
        taken[lane] += 1
    assert play(Switches(exceptions), random.Random(0), *steps) == went


def test_a_replay_continues_with_the_next_recorded_lane() -> None:
    replay = recorded((0, 0), (2, 0), (1, 0), (0, 1))
    assert replay.pick(candidates((1, 0), (2, 0))) == 1
    assert replay.diverged == (0, Choice(0, 0, 0), "lane 1 op 0.0 write T, lane 2 op 0.0 write T")
    # The record fits again: lane 1 is next.
    assert replay.pick(candidates((2, 1), (1, 0))) == 1
    assert replay.diverged[0] == 0


def test_a_replay_does_not_switch_without_a_fitting_record() -> None:
    replay = recorded((0, 0))
    assert replay.pick(candidates((2, 0), (1, 0))) == 0
    assert replay.diverged is not None


def test_a_replay_notes_the_end_of_the_record() -> None:
    replay = recorded((0, 0))
    replay.pick(candidates((0, 0)))
    assert replay.diverged is None
    assert replay.pick(candidates((0, 1), (1, 0))) == 0
    assert replay.diverged == (1, None, "lane 0 op 0.1 write T, lane 1 op 0.0 write T")


def test_a_replay_notes_recorded_steps_that_never_came() -> None:
    replay = recorded((0, 0), (1, 0))
    replay.pick(candidates((0, 0)))
    replay.end(1)
    assert replay.diverged == (1, Choice(1, 0, 0), "the schedule was over")


def test_only_the_first_difference_is_noted() -> None:
    replay = recorded((0, 0), (0, 1))
    replay.pick(candidates((1, 0)))
    first = replay.diverged
    replay.pick(candidates((1, 1)))
    replay.end(2)
    assert replay.diverged == first


def test_a_replay_starts_again_with_each_schedule() -> None:
    replay = recorded((0, 0))
    replay.pick(candidates((1, 0)))
    replay.begin(random.Random(0), 3)
    assert replay.diverged is None
    replay.pick(candidates((0, 0)))
    replay.end(1)
    assert replay.diverged is None


def test_the_repr_of_a_candidate_is_readable() -> None:
    (shown,) = candidates((4, 7))
    assert repr(shown) == "Candidate(4, op 0.7, write T)"


@every
def test_a_strategy_without_parts_runs_every_schedule(name: str) -> None:
    strategy = make(name)
    parts = {id(strategy.part(index)) for index in range(50)}
    assert (parts == {id(strategy)}) == (name != "portfolio")


def test_a_forecast_is_ignored_by_strategies_without_use_for_it() -> None:
    strategy = make("random")
    strategy.set_forecast(None)
    assert not strategy.uses_forecast
