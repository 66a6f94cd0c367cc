"""Events made of the records of free lanes: overlaps, doubts, order."""

from __future__ import annotations

import msgspec
import pytest

from harness.gates.free.trace import Call, doubts, events_of, left_by
from harness.model.history import End, Event, Header, History, Invoke, LaneInfo, Return, State, Step, digest
from harness.model.policy import POLICIES
from harness.model.program import Entry, Op
from harness.oracle import Judgement, judge

LANES = (
    LaneInfo("runner", "runner", "gateway", True),
    LaneInfo("cron", "cron", "cron", True),
    LaneInfo("editor", "editor", "shell", False),
)
RUNNER, CRON, EDITOR = range(3)
FIRST = b'{"id":"first"}\n'


class LedgerFile:
    """Calls with times, and the contents that they saw."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.blobs: dict[str, bytes] = {}
        self.initial = self.final = self.state(FIRST)
        self._ops = [0] * len(LANES)

    def state(self, content: bytes, file: str = "f0") -> State:
        self.blobs[digest(content)] = content
        return State(file, digest(content), len(content))

    def call(
        self,
        lane: int,
        kind: str,
        at: tuple[int, int],
        seen: tuple[bytes, bytes] | None = None,
        outcome: str = "ok",
        detail: str = "",
    ) -> Call:
        op = Op(kind, turn=0 if lane == RUNNER else -1, entries=(Entry(f"{kind}-{at[0]}", "user", ""),))
        made = Call(lane, self._ops[lane], op, *at, outcome, detail)
        if seen is not None:
            made.before, made.after = self.state(seen[0]), self.state(seen[1])
            self.final = made.after
        self._ops[lane] += 1
        self.calls.append(made)
        return made

    def window(self) -> None:
        """A turn up to the prompt, from 10 to 50."""
        self.call(RUNNER, "begin_turn", (10, 20))
        self.call(RUNNER, "load", (20, 30), detail=digest(FIRST))
        self.call(RUNNER, "release_for_prompt", (40, 50))

    def doubt(self) -> str:
        calls = sorted(self.calls, key=lambda call: (call.lane, call.op))
        return doubts(calls, LANES, self.initial, self.final)

    def events(self) -> list[Event]:
        assert not self.doubt()
        return events_of(self.calls, LANES)

    def judgement(self) -> Judgement:
        rules = dict(POLICIES["coordinated"].rules)
        header = Header("hand", "hand", "free", "", "coordinated", rules, 0, 0, LANES, self.initial)
        return judge(History(header, (*self.events(), End(self.final)), self.blobs))

    def verdict(self) -> str:
        return self.judgement().decisions[-1].verdict


def _changes(book: LedgerFile, lane: int) -> list[tuple[bool, int, int]]:
    """Held, and sizes before and after, of the lane's changes."""
    steps = [event for event in book.events() if isinstance(event, Step) and event.lane == lane]
    changes = [step.change for step in steps if step.change is not None]
    return [(change.held, change.before.size, change.after.size) for change in changes]


def test_a_write_between_acquire_and_release_is_a_change_under_the_lock() -> None:
    book = LedgerFile()
    book.call(CRON, "acquire", (10, 20))
    book.call(CRON, "append", (30, 40), (FIRST, FIRST + b"x\n"))
    book.call(CRON, "release", (50, 60))
    assert _changes(book, CRON) == [(True, len(FIRST), len(FIRST) + 2)]


def test_a_rogues_write_is_not_under_the_lock_and_a_guarded_write_is() -> None:
    book = LedgerFile()
    book.call(EDITOR, "action", (10, 20), (FIRST, b"x"))
    book.call(RUNNER, "guarded_write", (30, 40), (b"x", b"xy"))
    assert _changes(book, EDITOR) == [(False, len(FIRST), 1)]
    assert _changes(book, RUNNER) == [(True, 1, 2)]


def test_events_go_by_time_and_each_lanes_keep_their_order_at_equal_times() -> None:
    book = LedgerFile()
    book.call(RUNNER, "think", (10, 10))
    book.call(RUNNER, "append", (10, 30), (FIRST, FIRST), "refused")
    book.call(EDITOR, "think", (15, 20))
    events = book.events()
    assert [(type(event), event.lane) for event in events if not isinstance(event, End)] == [
        *((kind, RUNNER) for kind in (Invoke, Step, Return, Invoke)),
        *((kind, EDITOR) for kind in (Invoke, Step, Return)),
        *((kind, RUNNER) for kind in (Step, Return)),
    ]
    assert events[0] == Invoke(RUNNER, 0, "think", 0, (("think-10", "user"),), at_ns=10)
    assert events[-1] == Return(RUNNER, 1, "refused", at_ns=30)


def test_a_skipped_operation_has_no_step_and_no_change() -> None:
    book = LedgerFile()
    book.call(CRON, "append", (10, 20), (FIRST, FIRST), "skipped")
    assert not any(isinstance(event, Step) for event in book.events())


def test_a_change_that_no_operation_made_leaves_the_truth_unknown() -> None:
    book = LedgerFile()
    book.call(EDITOR, "action", (10, 20), (FIRST, b"x"))
    book.call(EDITOR, "action", (30, 40), (b"y", b"z"))
    assert "while no operation" in book.doubt()


def test_a_change_after_the_last_operation_leaves_the_truth_unknown() -> None:
    book = LedgerFile()
    book.call(EDITOR, "action", (10, 20), (FIRST, b"x"))
    book.final = book.state(b"y")
    assert "after the last" in book.doubt()


def test_writes_that_overlap_may_have_seen_each_others_in_any_order() -> None:
    book = LedgerFile()
    book.call(EDITOR, "action", (10, 50), (b"x", b"xy"))
    book.call(RUNNER, "guarded_write", (20, 40), (FIRST, b"x"))
    book.final = book.state(b"xy")
    assert not book.doubt()
    book.final = book.state(FIRST)
    assert "after the last" in book.doubt()


@pytest.mark.parametrize(("second", "known"), [((45, 60), True), ((25, 39), False), ((20, 41), False)])
def test_two_lanes_that_surely_held_the_lock_at_once_leave_the_truth_unknown(
    second: tuple[int, int], known: bool
) -> None:
    book = LedgerFile()
    book.call(RUNNER, "acquire", (10, 20))
    book.call(RUNNER, "release", (41, 50))
    book.call(CRON, "acquire", second)
    book.call(CRON, "release", (70, 80))
    assert (book.doubt() == "") is known


def test_a_guarded_write_inside_anothers_section_leaves_the_truth_unknown() -> None:
    for at, known in (((21, 39), False), ((19, 39), True), ((21, 42), True)):
        book = LedgerFile()
        book.call(CRON, "acquire", (10, 20))
        book.call(CRON, "release", (40, 50))
        book.call(RUNNER, "guarded_write", at, (FIRST, FIRST + b"x"))
        assert (book.doubt() == "") is known


def test_a_write_under_a_lock_that_was_lost_leaves_the_truth_unknown() -> None:
    for kind, known in (("append", False), ("load", True)):
        book = LedgerFile()
        book.call(CRON, "acquire", (10, 20))
        book.call(CRON, kind, (30, 40), (FIRST, b"x") if kind == "append" else None)
        book.call(CRON, "release", (50, 60), outcome="stale_lock")
        assert (book.doubt() == "") is known


def test_a_failed_guarded_write_that_wrote_leaves_it_unknown_whether_under_the_lock() -> None:
    book = LedgerFile()
    book.call(RUNNER, "guarded_write", (10, 20), (FIRST, b"x"), "crash")
    assert "ended with crash" in book.doubt()
    book.call(CRON, "guarded_write", (15, 18), (FIRST, b"x"))
    book.final = book.state(b"x")
    assert not book.doubt()


def test_a_left_lock_belongs_to_holder_crashed_or_last_taker() -> None:
    book = LedgerFile()
    book.call(EDITOR, "action", (1, 2), (FIRST, FIRST), "crash")
    assert left_by(book.calls, LANES) == -1
    book.call(RUNNER, "guarded_write", (3, 4), (FIRST, FIRST))
    assert left_by(book.calls, LANES) == RUNNER
    book.call(CRON, "acquire", (5, 6))
    book.call(CRON, "release", (7, 8))
    assert left_by(book.calls, LANES) == CRON
    book.call(RUNNER, "guarded_write", (10, 20), (FIRST, FIRST), "crash")
    assert left_by(book.calls, LANES) == RUNNER
    book.call(CRON, "acquire", (30, 40))
    assert left_by(book.calls, LANES) == CRON
    book.call(CRON, "release", (50, 60))
    assert left_by(book.calls, LANES) == RUNNER


# Together with the oracle


def test_a_rogue_that_left_all_as_it_was_is_no_effect_for_a_later_decision() -> None:
    book = LedgerFile()
    book.window()
    book.call(EDITOR, "action", (60, 70), (FIRST, FIRST))
    book.call(RUNNER, "guarded_write", (80, 90), (FIRST, FIRST), "refused")
    assert book.verdict() == "false_positive"


def test_a_refusal_beside_a_rogue_without_effect_is_not_counted() -> None:
    book = LedgerFile()
    book.window()
    book.call(EDITOR, "action", (60, 85), (FIRST, FIRST))
    book.call(RUNNER, "guarded_write", (80, 90), (FIRST, FIRST), "refused")
    book.call(RUNNER, "guarded_write", (100, 110), (FIRST, FIRST), "refused")
    assert [decision.verdict for decision in book.judgement().decisions] == ["uncounted", "uncounted"]


def test_a_change_beside_an_admitted_decision_accuses_no_later_one() -> None:
    for after in (FIRST + b"x", FIRST + b"x" + b"y"):
        book = LedgerFile()
        book.window()
        book.call(EDITOR, "action", (60, 85), (FIRST, after))
        book.call(RUNNER, "guarded_write", (80, 90), (FIRST, FIRST + b"x" + b"y"))
        book.final = book.state(FIRST + b"x" + b"y")
        book.call(RUNNER, "guarded_write", (100, 110), (FIRST + b"x" + b"y", FIRST + b"xyz"))
        assert [item.verdict for item in book.judgement().decisions] == ["true_negative", "true_negative"]


def test_a_rogues_write_before_the_decision_is_missed_or_found() -> None:
    for outcome, verdict in (("ok", "missed_takeover"), ("refused", "true_positive")):
        book = LedgerFile()
        book.window()
        book.call(EDITOR, "action", (60, 70), (FIRST, FIRST + b"x\n"))
        after = FIRST + b"x\n" + (b"y\n" if outcome == "ok" else b"")
        book.call(RUNNER, "guarded_write", (80, 90), (FIRST + b"x\n", after), outcome)
        assert book.verdict() == verdict


def test_an_account_can_be_judged_again_after_it_was_stored() -> None:
    book = LedgerFile()
    book.window()
    book.call(EDITOR, "action", (60, 70), (FIRST, FIRST))
    book.call(RUNNER, "guarded_write", (80, 90), (FIRST, FIRST + b"x\n"))
    events = book.events()
    again = [msgspec.json.decode(msgspec.json.encode(event), type=type(event)) for event in events]
    assert again == events
