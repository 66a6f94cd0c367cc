"""Tests of `harness.oracle.rules`: a table has to answer for every class of effects."""

from __future__ import annotations

import pytest

from harness.model.errors import FormatError
from harness.oracle.rules import CLASSES, rules_of
from tests.harness.oracle.histories import COORDINATED, SAME_PROCESS, Story

HEADER = Story("coordinated").header
NAMES = (
    "own_append",
    "cotenant_append_same_process",
    "cotenant_append_other_process",
    "participant_rewrite_same_process",
    "participant_rewrite_other_process",
    "unlocked",
    "reclaimed",
    "same_bytes_other_file",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_a_class_is_refused_by_its_name(name: str) -> None:
    rules = {key: answer for key, answer in COORDINATED.items() if key != name}
    with pytest.raises(FormatError, match=rf"^policy_rules\.{name}: None, expected sanctioned"):
        rules_of(HEADER, rules)


def test_the_classes_are_those_that_a_policy_answers_for() -> None:
    assert CLASSES == NAMES
    assert set(COORDINATED) == set(NAMES)


@pytest.mark.parametrize("answer", ["sanctioned", "takeover", "either"])
def test_a_class_may_have_any_of_three_answers(answer: str) -> None:
    rules = dict.fromkeys(NAMES, answer)
    assert rules_of(HEADER, rules) == rules


@pytest.mark.parametrize("answer", ["", "maybe", None])
def test_another_answer_is_refused(answer: str | None) -> None:
    with pytest.raises(FormatError, match=r"^policy_rules\.unlocked: "):
        rules_of(HEADER, {**COORDINATED, "unlocked": answer})  # type: ignore[dict-item]


def test_without_a_policy_the_table_of_the_history_counts() -> None:
    class Policy:
        rules = SAME_PROCESS

    assert rules_of(HEADER, None) == COORDINATED
    assert rules_of(HEADER, Policy()) == rules_of(HEADER, SAME_PROCESS) == SAME_PROCESS


@pytest.mark.parametrize("answer", [[], {}, "maybe", 1])
def test_an_answer_of_any_type_is_refused(answer: object) -> None:
    rules = dict.fromkeys(CLASSES, "sanctioned") | {next(iter(CLASSES)): answer}
    with pytest.raises(FormatError, match="expected sanctioned, takeover or either"):
        rules_of(HEADER, rules)  # type: ignore[arg-type]  # as a file may have it
