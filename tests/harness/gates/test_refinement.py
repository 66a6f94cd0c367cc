"""The free gate knows less of a schedule than the kernel gate, and never anything else.

Random histories in total order are looked at as free lanes would have: two looks around each
operation that may write, somewhere between its call, its steps and its return.
"""

from __future__ import annotations

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gates.free.trace import MEASURED, Call, doubts, events_of
from harness.model.history import End, History, Invoke, Return, State, Step
from harness.model.program import Entry, Op
from harness.oracle import judge
from tests.harness.oracle.random_histories import Play, plays

#: Lanes under the lock do not get in between each other's steps here, nor lose it.
ATOMIC = st.lists(st.sampled_from(["append", "append", "compact_new"]), max_size=3)
_ACCUSATIONS = ("false_positive", "missed_takeover")


def _calls(history: History, rng: random.Random) -> list[Call]:
    """Operations as their lanes saw them; each event is a microsecond after the one before it."""
    state = history.header.initial
    states: list[State] = []
    invoked: dict[tuple[int, int], tuple[int, Invoke]] = {}
    steps: dict[tuple[int, int], list[int]] = {}
    calls = []
    for at, event in enumerate(history.events):
        if isinstance(event, Step) and event.change is not None:
            state = event.change.after
        states.append(state)
        if isinstance(event, Invoke):
            invoked[(event.lane, event.op)] = (at, event)
        elif isinstance(event, Step):
            steps.setdefault((event.lane, event.op), []).append(at)
        elif isinstance(event, Return):
            begin, call = invoked[(event.lane, event.op)]
            own = steps.get((event.lane, event.op), [])
            entries = tuple(Entry(name, kind, "") for name, kind in call.entries)
            made = Call(
                event.lane,
                event.op,
                Op(call.kind, call.turn, route=call.route, how=call.how, entries=entries),
                begin * 1000,
                at * 1000 + 500,
                event.outcome,
                event.detail,
            )
            if call.kind in MEASURED:
                made.before = states[rng.randint(begin, own[0] - 1 if own else at)]
                made.after = states[rng.randint(own[-1] if own else begin, at)]
            calls.append(made)
    return sorted(calls, key=lambda call: (call.lane, call.op))


@settings(deadline=None, print_blob=True, max_examples=300)
@given(plays(participants=ATOMIC, torn=st.just(False)), st.integers(0, 1 << 30))
def test_the_kernel_gate_accuses_all_that_the_free_gate_accuses(play: Play, seed: int) -> None:
    exact = play.history()
    calls = _calls(exact, random.Random(seed))
    end = exact.events[-1]
    assert isinstance(end, End)
    lanes = exact.header.lanes
    assert "the transcript changed" not in doubts(calls, lanes, exact.header.initial, end.final)
    for call in calls:
        # These programs take no lock; their participants are understood to have it.
        call.held = call.measured and lanes[call.lane].participant
    header = msgspec.structs.replace(exact.header, gate="free")
    free = judge(History(header, (*events_of(calls, lanes), end), exact.blobs))
    truth = {(made.lane, made.op): made.verdict for made in judge(exact).decisions}
    for violation in free.violations:
        if violation.kind in _ACCUSATIONS:
            assert truth[(violation.lane, violation.op)] == violation.kind
