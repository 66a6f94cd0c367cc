"""Tests of `harness.oracle.verdict`: the defaults of its records, and sums."""

from __future__ import annotations

import msgspec

from harness.oracle.verdict import COUNTED, Decision, Judgement, Violation


def test_a_decision_says_nothing_beyond_its_verdict() -> None:
    plain = Decision(1, 2, 3, "true_negative")
    assert (plain.kind, plain.late, plain.stuck, plain.way_out, plain.causes, plain.at) == (
        *("", 0, 0, False, ()),
        -1,
    )
    assert msgspec.json.encode(plain) == b'{"lane":1,"turn":2,"op":3,"verdict":"true_negative"}'


def test_a_violation_has_no_window_unless_one_is_given() -> None:
    plain = Violation("crash", 1, 2, 3, "it crashed")
    assert (plain.causes, plain.window_from) == ((), -1)
    assert b"window" not in msgspec.json.encode(plain)


def test_an_empty_judgement_is_empty_in_writing() -> None:
    assert msgspec.json.encode(Judgement()) == b"{}"
    assert Judgement().counts() == dict.fromkeys(COUNTED, 0)


def test_decisions_are_counted_by_verdict_but_uncounted_ones() -> None:
    verdicts = ["racing", "uncounted", *COUNTED, "true_negative"]
    counts = Judgement(tuple(Decision(0, 0, op, verdict) for op, verdict in enumerate(verdicts))).counts()
    assert counts == {
        "true_positive": 1,
        "true_negative": 2,
        "false_positive": 1,
        "missed_takeover": 1,
        "racing": 2,
    }


def test_equal_records_are_equal_and_cannot_be_changed() -> None:
    for record in (Decision(1, 2, 3, "racing"), Violation("crash", 1, 2, 3, "x"), Judgement()):
        assert record == msgspec.structs.replace(record)
        for name in record.__struct_fields__:
            try:
                setattr(record, name, None)
            except AttributeError:
                continue
            raise AssertionError(f"{type(record).__name__}.{name} was changed")
