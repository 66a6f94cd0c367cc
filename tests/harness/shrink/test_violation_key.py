"""Two violations are the same by kind, subkind and place among the reads."""

from __future__ import annotations

from harness.model.history import End, Event, Header, History, Invoke, LaneInfo, Return, State, Step
from harness.oracle import Decision, Judgement, Violation
from harness.shrink.violation_key import violation_key

STATE = State("f0", "x", 1)
LANES = (LaneInfo("runner", "runner", "p", True), LaneInfo("editor", "editor", "e"))


def history(*events: Event) -> History:
    header = Header("s", "f", "kernel", "random", "p", {}, 0, 0, LANES, STATE)
    return History(header, (*events, End(STATE)))


def missed(at: int, cause: int, kind: str = "") -> tuple[Judgement, Violation]:
    violation = Violation("missed_takeover", at, 0, 1, "", (cause,))
    return Judgement((Decision(0, 0, 1, "missed_takeover", kind, at=at),), (violation,)), violation


def turn(effect_before: int) -> History:
    """Return a history of two reads, then a decision with two more, and an effect before one of them."""
    calls = [(0, "read"), (0, "newfstatat"), (1, "statx"), (1, "pread64")]
    events: list[Event] = [Invoke(0, 0, "load", 0)]
    for number, (op, call) in enumerate(calls):
        if number == effect_before:
            events.append(Step(1, 0, "write", "T"))
        events.append(Step(0, op, call, "T"))
        events.append(Step(0, op, "close", "T"))
    events.append(Return(0, 1, "ok"))
    return history(*events)


def gap(effect_before: int) -> str:
    past = turn(effect_before)
    cause = next(at for at, event in enumerate(past.events) if isinstance(event, Step) and event.lane == 1)
    return violation_key(past, *missed(len(past.events) - 2, cause))[2]


def test_an_effect_lies_between_two_reads_of_the_deciding_lane() -> None:
    assert [gap(place) for place in (1, 2, 3)] == [
        "inside read and stat",
        "between stat and stat",
        "inside stat and read",
    ]


def test_calls_other_than_reads_do_not_count() -> None:
    past = history(
        Step(0, 0, "read", "T"),
        Step(0, 0, "write", "T"),
        Step(1, 0, "write", "T"),
        Step(0, 0, "statx", "T.lock"),
        Step(0, 1, "statx", "T"),
        Return(0, 1, "ok"),
    )
    assert violation_key(past, *missed(5, 2))[2] == "between read and stat"


def test_an_absorbed_takeover_has_another_key() -> None:
    past = turn(2)
    assert violation_key(past, *missed(9, 5, "absorbed"))[1] == "absorbed"
    assert violation_key(past, *missed(9, 5))[1] == ""


def test_the_key_of_a_crash_is_its_exception() -> None:
    past = turn(2)
    crash = Violation("crash", 9, 0, 1, "runner crashed: KeyError: 'x'")
    assert violation_key(past, Judgement((), (crash,)), crash) == ("crash", "KeyError", "")
