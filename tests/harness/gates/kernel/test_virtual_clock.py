"""The ready lanes, and how far time jumps: without a process."""

from __future__ import annotations

from harness.gates.kernel.lane import Lane
from harness.gates.kernel.process import NO_CALL, Status
from harness.gates.kernel.virtual_clock import can_go, is_held, wake

MS = 1_000_000


def sleeper(index: int, wake_ms: int, poll_name: str | None = None, poll_count: int = 0) -> Lane:
    lane = Lane(index)
    lane.sleep(NO_CALL, wake_ms * MS)
    lane.poll_for(poll_name)
    for _ in range(poll_count):
        lane.oversleep()
    return lane


def test_a_sleeper_can_go_at_its_time_and_not_before() -> None:
    assert not can_go(sleeper(0, 5), (), 5 * MS - 1, 50 * MS)
    assert can_go(sleeper(0, 5), (), 5 * MS, 50 * MS)


def test_a_poller_can_go_once_the_name_is_free() -> None:
    lane = sleeper(0, 5, "lock")
    assert not can_go(lane, {"lock"}, 50 * MS, 90 * MS)
    assert can_go(lane, {"other"}, 0, 5 * MS)


def test_a_poller_cannot_go_where_time_may_not_jump_to_the_end_of_its_sleep() -> None:
    lane = sleeper(0, 5, "lock")
    assert not can_go(lane, (), 0, 5 * MS - 1)
    assert can_go(lane, (), 5 * MS, 0)


def test_time_jumps_to_the_first_lane_that_wakes() -> None:
    lanes = [sleeper(0, 30), sleeper(1, 10), sleeper(2, 10)]
    woken, now = wake(lanes, 0)
    assert [lane.index for lane in woken] == [1, 2]
    assert now == 10 * MS


def test_a_poller_oversleeps_twice_as_far_each_time() -> None:
    lane = sleeper(0, 50, "lock")
    waits = []
    now = 0
    for _ in range(5):
        lane.sleep(NO_CALL, now + 50 * MS)
        (woken,), then = wake([lane], now)
        assert woken is lane
        waits.append((then - now) // MS)
        now = then
    assert waits == [50, 100, 200, 400, 800]


def test_a_poller_never_sleeps_past_another_s_wake_up() -> None:
    lanes = [sleeper(0, 50, "lock", poll_count=10), sleeper(1, 70)]
    woken, now = wake(lanes, 0)
    assert [lane.index for lane in woken] == [1]
    assert now == 70 * MS
    assert lanes[0].poll_count == 10


def test_time_jumps_to_a_timer_that_ends_before_or_when_a_sleeper_wakes() -> None:
    for timer_ms in (7, 10):
        assert wake([sleeper(0, 10)], 0, timer_ns=timer_ms * MS) == ([], timer_ms * MS)
    woken, now = wake([sleeper(0, 10)], 0, timer_ns=11 * MS)
    assert ([lane.index for lane in woken], now) == ([0], 10 * MS)
    assert wake([], 3 * MS, timer_ns=5 * MS) == ([], 5 * MS)
    assert wake([], 3 * MS, timer_ns=2 * MS) == ([], 3 * MS)


def test_a_poller_does_not_sleep_past_a_timer() -> None:
    lane = sleeper(0, 50, "lock", poll_count=10)
    assert wake([lane], 0, timer_ns=70 * MS) == ([], 70 * MS)
    assert lane.poll_count == 10


def test_time_never_runs_backwards() -> None:
    (woken,), now = wake([sleeper(0, 5)], 9 * MS)
    assert (woken.index, now) == (0, 9 * MS)


def test_a_lane_that_does_not_sleep_is_not_woken() -> None:
    lane = sleeper(0, 5)
    lane.stop(NO_CALL, Status.FLOCK)
    assert wake([lane], 3) == ([], 3)


def test_doubling_has_an_end() -> None:
    lane = sleeper(0, 50, "lock", poll_count=10_000)
    _, now = wake([lane], 0)
    assert now == (50 * MS) << 20


def test_a_lane_is_held_until_its_time() -> None:
    lane = Lane(0)
    assert not is_held(lane, (), 0, 90)
    lane.hold(50)
    assert is_held(lane, (), 49, 90) and not is_held(lane, (), 50, 90)


def test_a_lane_that_waits_for_a_file_is_held_as_long_as_it_is_there() -> None:
    lane = Lane(0)
    lane.poll_for("T.lock")
    lane.hold(50, polls=True)
    assert is_held(lane, ("T.lock",), 49, 90) and not is_held(lane, ("T",), 49, 90)
    assert is_held(lane, ("T",), 48, 49)
    # A process that is stopped meanwhile goes on for no file.
    lane.hold(70)
    assert is_held(lane, ("T",), 69, 90)
