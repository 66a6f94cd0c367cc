"""A lane that polls for a lock file is not ready until the lock is let go."""

from __future__ import annotations

import pytest

from harness.model.history import LockEvent, Return
from tests.harness.gates.kernel.locking import Polling
from tests.harness.gates.kernel.stage import Out, Seen, Stage, Until

pytestmark = pytest.mark.requires("kernel-gate")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("polling"), Polling, ["p", "q"], lock_timeout_ms=60_000) as stage:
        yield stage


def offered(seen: Seen, lane: int, since: int, until: int) -> bool:
    """Whether a lane could be picked in a span of steps."""
    spans = seen.strategy.offered[since:until]  # type: ignore[attr-defined]
    return any(candidate.lane == lane for candidates in spans for candidate in candidates)


def test_a_poller_is_offered_again_when_the_lock_is_free(stage: Stage) -> None:
    script = [Until(0, "think"), Out(1)]
    seen = stage.run(["take", "think:4", "let_go", "write"], ["take", "let_go"], script=script)
    assert not seen.end.inconclusive
    assert seen.outcomes(0) == ["ok"] * 4
    assert seen.outcomes(1) == ["ok"] * 2
    waits = next(at for at, step in enumerate(seen.steps) if step.call == "think")
    released = next(at for at, step in enumerate(seen.steps) if step.lock == LockEvent("released"))
    assert not offered(seen, 1, waits, released + 1)
    assert offered(seen, 1, released + 1, released + 2)
    assert seen.locks() == [
        (0, LockEvent("acquired")),
        (0, LockEvent("released")),
        (1, LockEvent("acquired")),
        (1, LockEvent("released")),
    ]


def test_polling_for_a_kept_lock_ends_after_a_dozen_polls(stage: Stage) -> None:
    seen = stage.run(["take"], ["take_late"], script=[Out(0)])
    word, _, after = seen.said(1)[0].rpartition(" ")
    assert word == "none after"
    assert 60_000 <= int(after) < 130_000
    polls = [step for step in seen.steps if step.call == "sleep"]
    assert 5 < len(polls) < 15
    assert seen.end.lock_owner == 0
    assert not seen.end.waiting


def test_a_time_out_says_how_long_its_call_took(stage: Stage) -> None:
    seen = stage.run(["pause:1000", "give_up"], ["write"], script=[Until(0, "sleep"), Out(1)])
    ended = [event for event in seen.events if isinstance(event, Return)]
    (late,) = [event.waited_ms for event in ended if event.outcome == "lock_timeout"]
    assert 60_000 <= late < 60_010
    assert {event.waited_ms for event in ended if event.outcome == "ok"} == {-1}


def test_a_poller_does_not_oversleep_a_release_that_is_due(stage: Stage) -> None:
    seen = stage.run(["take", "pause:1000", "let_go"], ["take_late"], script=[Until(0, "sleep"), Out(1)])
    word, _, after = seen.said(1)[0].rpartition(" ")
    assert word == "had after"
    assert 990 <= int(after) < 1_100


def test_a_lock_that_is_free_again_at_the_poll_is_had_at_once(stage: Stage) -> None:
    """Between the refused open and the sleep the lock goes: the sleep is over as soon as it begins."""
    script = [Until(0, "think"), Until(1, "openat"), 1, Out(0)]
    seen = stage.run(["take", "think:1", "let_go"], ["take_late"], script=script)
    word, _, after = seen.said(1)[0].rpartition(" ")
    assert word == "had after"
    assert int(after) < 100


@pytest.mark.parametrize("duration_ms", [50, 900])
def test_a_sleep_of_a_poller_is_no_shorter_than_it_was_asked_for(stage: Stage, duration_ms: int) -> None:
    """Also if it is the next lane once the lock is free, while the other one has more to do."""
    script = [Until(0, "think"), Until(1, "sleep"), Until(0, "unlink"), 0, Out(1)]
    first = ["take", "think:1", "let_go", "write", "write"]
    seen = stage.run(first, [f"nap_{duration_ms}"], script=script)
    assert duration_ms <= int(seen.said(1)[0]) < duration_ms + 20
    assert [step.lane for step in seen.steps][-1] == 0


def test_time_does_not_jump_far_for_a_poller_while_another_lane_can_go(stage: Stage) -> None:
    script = [Until(0, "think"), Until(1, "sleep"), Out(0)]
    seen = stage.run(["take", "think:1", "let_go", "write"], ["nap_5000"], script=script)
    free = next(at for at, step in enumerate(seen.steps) if step.lock == LockEvent("released"))
    assert not offered(seen, 1, free, len(seen.steps) - 1)
    assert 5_000 <= int(seen.said(1)[0]) < 5_020


def test_a_lock_taken_away_is_reclaimed_from_its_owner(stage: Stage) -> None:
    script = [Until(0, "think"), Out(1)]
    seen = stage.run(["take", "think:2", "write"], ["remake", "write"], script=script)
    assert seen.locks() == [
        (0, LockEvent("acquired")),
        (1, LockEvent("reclaimed", 0)),
        (1, LockEvent("acquired")),
    ]
    held = {step.lane: (step.change.held, step.change.reclaimed) for step in seen.steps if step.change}
    assert held == {0: (False, True), 1: (True, False)}
    assert seen.end.lock_owner == 1


def test_an_append_knows_whether_the_lock_was_held(stage: Stage) -> None:
    seen = stage.run(["take", "write", "let_go", "write"], [])
    assert [(step.change.held, step.change.reclaimed) for step in seen.steps if step.change] == [
        (True, False),
        (False, False),
    ]


def test_another_s_append_under_my_lock_does_not_hold_it(stage: Stage) -> None:
    seen = stage.run(["take", "think:1"], ["write"], script=[Until(0, "think"), Out(1)])
    assert [(step.lane, step.change.held) for step in seen.steps if step.change] == [(1, False)]
