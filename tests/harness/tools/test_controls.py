"""Trials of controls are chosen and their results assessed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fence.controls import CONTROLS
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import ScenarioError, UsageError
from harness.model.history import Absent, End, Header, History, Invoke, LaneInfo
from harness.model.program import Filesystem, Program
from harness.model.schedule import Schedule
from harness.oracle import Judgement, Violation
from harness.results.stats import Stats
from harness.scenario import load
from harness.tools.controls import SOUND, Outcome, Trial, assess, rows, trials, unmet

ROOT = Path(__file__).parents[3]
SCENARIOS = str(ROOT / "scenarios")
QUESTION = SearchTask(
    load(ROOT / "scenarios" / "external-script.yaml"),
    "ledger-heals-itself",
    "kernel",
    "random",
    1,
    100,
    until="missed_takeover",
)
TRIAL = Trial(QUESTION, "is broken", 1)
SOUND_TRIAL = Trial(msgspec.structs.replace(QUESTION, fence=SOUND, until=""))


def _result(trial: Trial, *found: tuple[int, str], actions: int = 1, schedules: int = 100) -> Result:
    """Return a result with violations by schedule, each after so many rogue actions."""
    stats = Stats()
    lanes = (LaneInfo("editor", "editor", "editor", False),)
    for index, kind in found:
        header = Header("s", "f", "kernel", "random", "p", {}, 1, index, lanes, Absent)
        begun = tuple(Invoke(0, op, "action") for op in range(actions))
        history = History(header, (*begun, End(Absent)))
        judgement = Judgement((), (Violation(kind, 0, 0, 0, "because"),))
        stats.add(index, Program((), (), Filesystem(), 0), Schedule(()), history, judgement)
    stats.schedules = schedules
    result = Result(trial.task, stats, 1, wall_s=0.5)
    result.settled = result.sought is not None
    return result


def _killed(index: int = 7, **changes: object) -> Outcome:
    return msgspec.structs.replace(assess(TRIAL, _result(TRIAL, (index, "missed_takeover"))), **changes)


def _alive(**changes: object) -> Outcome:
    return msgspec.structs.replace(assess(TRIAL, _result(TRIAL)), **changes)


def test_every_control_is_tried_with_each_strategy_and_seed() -> None:
    wanted = trials((), ("random", "pct"), 50, 2, SCENARIOS)
    asked = [trial.task for trial in wanted if trial.defect]
    assert {task.fence for task in asked} == set(CONTROLS)
    assert len(asked) == 4 * len(CONTROLS)
    assert all(task.until and task.schedules == 50 for task in asked)


def test_the_sound_fence_is_tried_where_it_claims_soundness() -> None:
    wanted = trials(
        ("stat-size-only", "ledger-per-process", "ledger-cotenant-silent"), ("pct",), 9, 1, SCENARIOS
    )
    sound = [trial.task for trial in wanted if not trial.defect]
    assert [(task.fence, task.scenario.name) for task in sound] == [(SOUND, "cotenant-other-process")]
    assert not sound[0].until


def test_a_missing_scenario_and_an_unknown_control_are_refused() -> None:
    with pytest.raises(ScenarioError, match="guard-prefix-hash"):
        trials(("stat-size-only",), ("pct",), 9, 1, "nowhere")
    with pytest.raises(UsageError, match="--only ledger: no control"):
        trials(("ledger",), ("pct",), 9, 1, SCENARIOS)


def test_a_control_is_killed_by_the_violation_that_it_names() -> None:
    outcome = _killed(7)
    assert (outcome.killed_at, outcome.rogue_actions, outcome.wall_s) == (7, 1, 0.5)
    assert not unmet([outcome])


def test_another_violation_accuses_a_control_and_does_not_kill_it() -> None:
    outcome = assess(TRIAL, _result(TRIAL, (3, "crash")))
    assert (outcome.killed_at, outcome.accused) == (None, ("crash",))
    said = unmet([outcome])
    assert said[0] == (
        "ledger-heals-itself is accused of crash in schedule 3 of external-script (random, seed 1), "
        "which the scenario does not expect"
    )
    assert "survived 100 schedules" in said[1]


def test_findings_behind_the_killing_schedule_do_not_count() -> None:
    later = _result(TRIAL, (7, "missed_takeover"), (8, "crash"))
    later.stats.doubt(9, "not known")
    assert assess(TRIAL, later) == _killed(7)
    earlier = _result(TRIAL, (7, "missed_takeover"), (6, "crash"))
    assert assess(TRIAL, earlier).accused == ("crash",)


def test_a_violation_that_the_scenario_expects_is_allowed() -> None:
    task = msgspec.structs.replace(
        QUESTION,
        scenario=load(ROOT / "scenarios" / "busy-lock.yaml"),
        fence="lock-neighbour-is-orphan",
        until="double_hold",
    )
    trial = Trial(task, "is broken")
    found = assess(trial, _result(trial, (2, "missed_takeover"), (4, "double_hold")))
    assert (found.killed_at, found.accused, found.complaint) == (4, (), "")


def test_a_control_caught_with_fewer_rogue_actions_is_reported() -> None:
    trial = msgspec.structs.replace(TRIAL, rogue_actions_min=2)
    outcome = assess(trial, _result(trial, (7, "missed_takeover"), actions=1))
    assert unmet([outcome]) == [outcome.complaint]
    assert "after 1 rogue actions" in outcome.complaint
    assert not assess(trial, _result(trial, (7, "missed_takeover"), actions=2)).complaint


def test_the_sound_fence_may_show_no_violation() -> None:
    assert not unmet([assess(SOUND_TRIAL, _result(SOUND_TRIAL))])
    accused = assess(SOUND_TRIAL, _result(SOUND_TRIAL, (50, "false_positive")))
    assert unmet([accused]) == [accused.complaint]


def test_one_strategy_is_enough_but_every_seed_counts() -> None:
    assert not unmet([_killed(), _alive(strategy="pct")])
    survived = unmet([_killed(), _alive(seed=2)])
    assert len(survived) == 1
    assert "(seed 2) by random: no missed_takeover" in survived[0]


def test_an_unfinished_search_is_inconclusive_and_no_survivor() -> None:
    outcome = assess(TRIAL, _result(TRIAL, schedules=40))
    assert outcome.why_inconclusive == "only 40 of 100 schedules were run"
    assert not unmet([outcome])
    assert rows([outcome], ("random",))[1][-1] == "inconclusive"


def test_the_matrix_shows_schedules_and_time_to_the_violation() -> None:
    table = rows(
        [_killed(7), _killed(2, seed=2), _alive(strategy="pct"), assess(SOUND_TRIAL, _result(SOUND_TRIAL))],
        ("random", "pct"),
    )
    assert table[0] == ("fence", "caught by", "scenario", "rogues", "random", "pct", "result")
    assert table[1] == (
        "ledger-heals-itself", "missed takeover", "external-script", "1", "3..8 in 0.5 s", "-", "killed",
    )  # fmt: skip
    assert table[2] == (SOUND, "-", "external-script", "-", "0 of 100", "", "sound")


def test_the_matrix_shows_how_many_seeds_kill_a_control() -> None:
    row = rows([_killed(7), _alive(seed=2)], ("random",))[1]
    assert row[4:] == ("1/2: 8 in 0.5 s", "SURVIVED")
