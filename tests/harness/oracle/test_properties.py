"""Properties that hold for every history, tried on random ones."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.history import End, Event, History, Invoke, LaneInfo, Return, Step
from harness.model.history_text import decode, encode
from harness.oracle import Decision, Judgement, judge
from harness.oracle.decisions import decide
from harness.oracle.first_pass import first_pass
from harness.oracle.index import HistoryIndex
from tests.harness.oracle.histories import EDITOR, LANES, RUNNER
from tests.harness.oracle.random_histories import ROGUES, Play, plays

every_history = settings(deadline=None, print_blob=True, max_examples=150)

APPENDS = st.lists(st.just("append"), max_size=3)
LAWFUL = st.lists(st.sampled_from(["append", "compact", "compact_new"]), max_size=3)
NO_RECOVERY = st.lists(st.sampled_from(["admit", "refuse", "timeout", "append"]), min_size=1, max_size=4)


def _essence(judgement: Judgement) -> list[tuple[Any, ...]]:
    """Return the decisions without indices of events."""
    return [
        (
            made.lane,
            made.turn,
            made.op,
            made.verdict,
            made.kind,
            made.late,
            made.stuck,
            made.way_out,
            len(made.causes),
        )
        for made in judgement.decisions
    ]


@every_history
@given(plays(policies=("coordinated",), participants=LAWFUL))
def test_without_unsanctioned_effects_there_is_no_missed_takeover(play: Play) -> None:
    counts = judge(play.history(without=ROGUES)).counts()
    assert counts["missed_takeover"] == counts["racing"] == counts["true_positive"] == 0


@every_history
@given(plays(), st.sets(st.integers(0, 60), max_size=5))
def test_a_step_that_no_reader_sees_changes_no_verdict(play: Play, places: set[int]) -> None:
    lanes = (*LANES, LaneInfo("toucher", "editor", "elsewhere", False))
    calm = judge(play.history(lanes=lanes))
    touched = judge(play.history(lanes=lanes, extra=tuple(places)))
    strip = [made[:-1] for made in _essence(calm)]
    assert strip == [made[:-1] for made in _essence(touched)]
    assert [item.kind for item in calm.violations] == [item.kind for item in touched.violations]


@every_history
@given(plays())
def test_each_decision_has_one_verdict_and_each_violation_its_decision(play: Play) -> None:
    history = play.history()
    judgement = judge(history)
    made = [(decision.lane, decision.op) for decision in judgement.decisions]
    assert len(made) == len(set(made))
    answers = {(event.lane, event.op): event.outcome for event in history.events if isinstance(event, Return)}
    for decision in judgement.decisions:
        admitted = answers[(decision.lane, decision.op)] == "ok"
        assert decision.verdict != ("false_positive" if admitted else "missed_takeover")
        assert decision.verdict != ("true_positive" if admitted else "true_negative")
    verdict_at = {decision.at: decision.verdict for decision in judgement.decisions}
    for violation in judgement.violations:
        if violation.kind in ("false_positive", "missed_takeover"):
            assert verdict_at[violation.at] == violation.kind
            assert 0 <= violation.window_from < violation.at


@every_history
@given(plays(), st.permutations(range(len(LANES))))
def test_names_and_numbers_of_lanes_change_nothing(play: Play, places: list[int]) -> None:
    history = play.history()
    events: list[Event] = []
    for event in history.events:
        if isinstance(event, End):
            events.append(event)
        elif isinstance(event, Invoke | Step | Return):
            events.append(type(event)(**{**_fields(event), "lane": places[event.lane]}))
    lanes = [LANES[0]] * len(LANES)
    for lane, place in enumerate(places):
        lanes[place] = LaneInfo(f"n{place}", LANES[lane].role, LANES[lane].process, LANES[lane].participant)
    header = type(history.header)(**{**_fields(history.header), "lanes": tuple(lanes)})
    renamed = judge(History(header, tuple(events), history.blobs))
    assert [(places[made[0]], *made[1:]) for made in _essence(judge(history))] == _essence(renamed)
    assert [(item.kind, item.at) for item in judge(history).violations] == [
        (item.kind, item.at) for item in renamed.violations
    ]


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


@every_history
@given(plays())
def test_a_stored_history_is_judged_the_same(play: Play) -> None:
    history = play.history()
    assert judge(decode(encode(history))) == judge(history)


@every_history
@given(plays(participants=APPENDS, rogues=st.just([]), policies=("coordinated",)))
def test_refusals_without_any_unsanctioned_effect_are_all_false_positives(play: Play) -> None:
    turns = tuple(("refuse",) * len(turn) for turn in play.turns)
    judgement = judge(dataclasses.replace(play, turns=turns, torn=False).history())
    assert {decision.verdict for decision in judgement.decisions} == {"false_positive"}
    assert {violation.kind for violation in judgement.violations} == {"false_positive"}
    assert len(judgement.violations) == len(turns)


@every_history
@given(plays())
def test_the_first_pass_never_contradicts_the_full_analysis(play: Play) -> None:
    history = play.history()
    rules = history.header.policy_rules
    look = first_pass(history, rules)
    decisions, violations = decide(HistoryIndex(history), rules)
    if not look.doubt:
        assert (look.decisions, violations) == (decisions, [])


@every_history
@given(
    plays(
        policies=("coordinated",), rogues=APPENDS, participants=LAWFUL, turn=NO_RECOVERY, torn=st.just(False)
    )
)
def test_verdicts_on_rogue_appends_match_a_simple_count(play: Play) -> None:
    history = play.history()
    found = [decision.verdict for decision in judge(history).decisions]
    assert found == list(_simple(history))


@every_history
@given(plays(policies=("coordinated",)))
def test_every_cause_of_a_takeover_lacks_the_lock(play: Play) -> None:
    history = play.history()
    for decision in judge(history).decisions:
        if decision.verdict in ("true_positive", "missed_takeover", "racing"):
            assert decision.causes
            assert _without_lock(history, decision)


def _without_lock(history: History, decision: Decision) -> bool:
    for index in decision.causes:
        step = history.events[index]
        if not isinstance(step, Step) or step.change is None or step.change.held:
            return False
    return True


def _simple(history: History) -> list[str]:
    """Return the verdicts of a history in which every rogue step appends a line that stays.

    It makes one pass in the order of the events, with sets of indices. It shares no code with the
    oracle, and it assumes that nothing is undone and that every load is atomic.
    """
    verdicts: list[str] = []
    pending: set[int] = set()
    before: set[int] | None = None
    known: set[int] = set()
    kind, settled = "", False
    for index, event in enumerate(history.events):
        if isinstance(event, Step) and event.lane >= EDITOR and event.change is not None:
            pending.add(index)
        elif isinstance(event, Invoke) and event.lane == RUNNER:
            kind, before = event.kind, None
            settled = settled and kind != "begin_turn"
        elif isinstance(event, Step) and event.lane == RUNNER:
            if before is None:
                before = set(pending)
            if kind == "load" and event.call == "read":
                known = set(pending)
            last = set(pending)
        elif isinstance(event, Return) and event.lane == RUNNER:
            if kind == "load":
                pending -= known
            elif kind == "guarded_write" and event.outcome == "ok":
                assert before is not None
                verdicts.append("missed_takeover" if before else "racing" if last else "true_negative")
            elif kind == "guarded_write" and event.outcome == "refused":
                verdicts.append("true_positive" if last else "uncounted" if settled else "false_positive")
                settled = settled or bool(last)
                pending -= last
    return verdicts
