from __future__ import annotations

import pytest

from harness.model.errors import UsageError
from harness.model.policy import ANSWERS, EFFECTS, POLICIES, CustomPolicy, resolve
from harness.oracle.rules import CLASSES

S, T, E = ANSWERS

# Columns: coordinated, same-process, runner-appends.
TABLE = {
    "own_append": (S, S, S),
    "cotenant_append_same_process": (S, S, T),
    "cotenant_append_other_process": (S, T, T),
    "participant_rewrite_same_process": (S, S, T),
    "participant_rewrite_other_process": (S, T, T),
    "unlocked": (T, T, T),
    "reclaimed": (T, T, T),
    "same_bytes_other_file": (E, E, T),
}


@pytest.mark.parametrize("column, name", list(enumerate(POLICIES)))
def test_each_named_policy_answers_as_its_party_does(column: int, name: str) -> None:
    assert dict(POLICIES[name].rules) == {effect: answers[column] for effect, answers in TABLE.items()}


def test_policies_answer_for_every_class_that_the_oracle_knows() -> None:
    assert set(EFFECTS) == set(CLASSES)
    assert tuple(POLICIES) == ("coordinated", "same-process", "runner-appends")
    assert all(policy.about for policy in POLICIES.values())


def test_a_custom_policy_changes_its_base_and_nothing_else() -> None:
    mine = resolve(CustomPolicy(name="mine", about="x", base="coordinated", rules={"unlocked": "either"}))
    assert dict(mine.rules) == {**POLICIES["coordinated"].rules, "unlocked": "either"}
    assert (mine.name, mine.about) == ("mine", "x")
    assert POLICIES["coordinated"].rules["unlocked"] == "takeover"


def test_a_whole_table_needs_no_base() -> None:
    rules = dict(POLICIES["same-process"].rules)
    assert dict(resolve(CustomPolicy(name="mine", about="x", rules=rules)).rules) == rules


def test_a_table_with_gaps_names_them() -> None:
    with pytest.raises(
        UsageError, match=r"policy mine: no rule for own_append, .*; add them, or name a base"
    ):
        resolve(CustomPolicy(name="mine", about="x", rules={"unlocked": "either"}))


def test_an_unknown_policy_is_an_error_with_the_list_command() -> None:
    with pytest.raises(UsageError, match=r"policy 'unlisted': unknown.*list policies"):
        resolve("unlisted")
