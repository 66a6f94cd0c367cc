from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scenario.reader import read, spell


def faults(text: str) -> list[str]:
    return [str(fault).removeprefix("f:") for fault in read("f", text).faults]


@pytest.mark.parametrize(
    "text, value",
    [
        *(
            (word, word)
            for word in ("on", "off", "yes", "no", "On", "NO", "y", "n", "12:30", "1:2:3", "1_000")
        ),
        *(
            (word, word)
            for word in ("2026-01-01", "=", "0b101", "0o8", "1.2.3", "-x", "tRue", "+-1", ".", "e3")
        ),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *((word, None) for word in ("~", "null", "Null", "NULL", "")),
        *(("0o17", 15), ("0x1F", 31), ("010", 10), ("-12", -12), ("+3", 3), ("08", 8), ("0", 0)),
        *(("1e3", 1000.0), ("1E-2", 0.01), (".5", 0.5), ("2.", 2.0), ("-1.5", -1.5), ("1.e2", 100.0)),
        *((".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf)),
        *(('"1e3"', "1e3"), ("'true'", "true"), ('"~"', "~"), ('"\\x41"', "A")),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml(text: str, value: Any) -> None:
    document = read("f", f"key: {text}\n")
    assert document.faults == []
    found = document.data["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_one() -> None:
    assert math.isnan(read("f", "key: .nan\n").data["key"])


def test_a_block_scalar_is_always_text() -> None:
    assert read("f", "key: |\n  1\n").data == {"key": "1\n"}
    assert read("f", "key: >-\n  true\n").data == {"key": "true"}


def test_every_key_and_value_has_its_place() -> None:
    document = read("f", "a: 1\nb:\n  - x\n  - {c: [2, 3]}\nd:\n")
    assert document.data == {"a": 1, "b": ["x", {"c": [2, 3]}], "d": None}
    assert document.keys == {("a",): (1, 1), ("b",): (2, 1), ("b", 1, "c"): (4, 6), ("d",): (5, 1)}
    assert document.values == {
        (): (1, 1),
        ("a",): (1, 4),
        ("b",): (3, 3),
        ("b", 0): (3, 5),
        ("b", 1): (4, 5),
        ("b", 1, "c"): (4, 9),
        ("b", 1, "c", 0): (4, 10),
        ("b", 1, "c", 1): (4, 13),
        ("d",): (5, 3),
    }


@pytest.mark.parametrize(
    "text, fault",
    [
        ("a: 1\nb: 2\na: 3\n", "3:1: a: duplicate key, first given in line 1; remove one of them"),
        (
            "x: {a: 1, a: [2, {b: 3}]}\n",
            "1:11: x.a: duplicate key, first given in line 1; remove one of them",
        ),
        ("<<: {a: 1}\n", "1:1: merge keys (<<) are not supported; write the keys out"),
        ("a: !!str 5\n", "1:4: a: tag tag:yaml.org,2002:str is not supported; write the value out"),
        ("a: ! 5\n", "1:4: a: tag ! is not supported; write the value out"),
        ("a: !mine {b: 1}\n", "1:4: a: tag !mine is not supported; write the value out"),
        ("a: &x 5\n", "1:4: a: anchor &x is not supported; write the value out"),
        ("a: *x\n", "1:4: a: alias *x is not supported; write the value out"),
        ("&x a: 1\n", "1:1: anchor &x is not supported; write the key out"),
        ("*x : 1\n", "1:1: alias *x is not supported; write the key out"),
        ("5: 1\n", '1:1: a key must be text, got 5; quote it: "5"'),
        ("a: {true: 1}\n", '1:5: a: a key must be text, got true; quote it: "true"'),
        ("? \n: 1\n", '1:2: a key must be text, got nothing; quote it: ""'),
        ("? [a, b]\n: 1\n", "1:3: a key must be text, not a list or a mapping; check the brackets"),
        ("a: 1234567890123456789\n", "1:4: a: more than 18 digits; give a smaller number, or quote it"),
        ('a: "\\ud800"\n', "1:4: a: half of a surrogate pair is no character; write the character itself"),
        ("a:\n\tb: 1\n", "2:1: a tab cannot stand here; indent with spaces"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here; a file holds one scenario, split it"),
        ("", "1:1: the file is empty; write about, source, policy, lanes and expect"),
        ("# nothing\n\n", "1:1: the file is empty; write about, source, policy, lanes and expect"),
        ("a: b\nc: \x07\n", "2:4: character '\\x07' is not allowed in YAML; remove it"),
        (
            "a: " + "[" * 30,
            "1:24: more than 20 levels deep; no key of a scenario needs that",
        ),
    ],
)
def test_a_rejected_part_is_a_fault_at_its_place(text: str, fault: str) -> None:
    assert faults(text) == [fault]


@pytest.mark.parametrize(
    "text, place",
    [
        ("a: [1, 2\nb: 3\n", "2:2: not YAML: "),
        ("a: 'x\n", "2:1: not YAML: "),
        ("a: b: c\n", "1:5: not YAML: "),
        ("a: 1\n  b: 2\n", "2:4: not YAML: "),
        ("a: @x\n", "1:4: not YAML: "),
        ("%YAML 2.0\n---\na: 1\n", "1:1: not YAML: "),
        ("{a: 1}}\n", "1:7: not YAML: "),
    ],
)
def test_syntax_errors_are_reported_at_their_place(text: str, place: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(place)
    assert fault.endswith("; check indentation, quotes and brackets near here")


def test_the_first_of_two_equal_keys_counts() -> None:
    document = read("f", "a: 1\na: {b: [2]}\nc: 3\n")
    assert document.data == {"a": 1, "c": 3}
    assert ("a", "b") not in document.keys


def test_unread_places_are_recorded() -> None:
    document = read("f", "a: {b: *x, c: 1}\n")
    assert document.is_unread(("a", "b"))
    assert document.is_unread(("a", "b", "d"))
    assert not document.is_unread(("a", "c"))


def test_places_are_spelt_as_users_write_them() -> None:
    assert spell(("lanes", 1, "rate")) == "lanes[1].rate"
    assert spell(("expect", "stat-2026.5.17", 0)) == "expect['stat-2026.5.17'][0]"
    assert spell(()) == ""


@given(st.text(alphabet=" \t\n:-[]{}#&*!|>'\"%@`,?<ab1.~\x00é", max_size=30))
def test_any_text_gives_data_or_faults_and_never_an_exception(text: str) -> None:
    document = read("f", text)
    lines = text.split("\n")
    for fault in document.faults:
        assert 1 <= fault.line <= len(lines) + 1
        assert fault.column >= 1
    assert document.faults or () in document.values
