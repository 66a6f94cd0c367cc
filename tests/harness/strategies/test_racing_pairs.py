"""Tests of `harness.strategies.racing_pairs`: subjects of steps, and pairs that race."""

from __future__ import annotations

import pytest

from harness.model.gate import Candidate
from harness.strategies.racing_pairs import LOCK, TRANSCRIPT, is_inert, names_of, races, subject

_WRITING = {
    *("write", "truncate", "unlink", "rename", "flock", "creat", "chmod", "link", "symlink", "mkdir"),
}


def step(call: str, path: str = "", lane: int = 0, writes: bool | None = None) -> Candidate:
    return Candidate(lane, 0, 0, call, path, call in _WRITING if writes is None else writes)


@pytest.mark.parametrize(
    ("call", "path", "about"),
    [
        ("read", "T", TRANSCRIPT),
        ("newfstatat", "T", TRANSCRIPT),
        ("openat", "T.lock", LOCK),
        ("flock", "T.flock", LOCK),
        ("close", "T.flock", LOCK),
        ("rename", "T > T.bak", TRANSCRIPT),
        ("rename", "tmp1 > T", TRANSCRIPT),
        ("rename", "T.lock > T.lock.old", LOCK),
        ("rename", "T.lock > T", TRANSCRIPT),
        ("rename", "tmp1 > tmp2", ""),
        ("close", "T", ""),
        ("close", "T.lock", ""),
        ("write", "T.ledger", ""),
        ("write", "tmp1", ""),
        ("openat", ".", ""),
        ("think", "", ""),
        ("sleep", "", ""),
    ],
)
def test_steps_on_transcript_and_lock_have_that_subject(call: str, path: str, about: str) -> None:
    for _ in range(2):
        assert subject(step(call, path)) == about


def test_a_rename_is_about_both_its_names() -> None:
    assert names_of("tmp1 > T") == ("tmp1", "T")
    assert names_of("T") == ("T",)
    assert names_of("") == ()


def test_thinking_and_closing_are_inert() -> None:
    assert all(
        is_inert(step(*words)) for words in [("think",), ("sleep",), ("close", "T"), ("close", "T.lock")]
    )
    assert not is_inert(step("close", "T.flock"))
    assert not is_inert(step("read", "T"))


@pytest.mark.parametrize("call", ["close", "dup2", "dup3", "close_range"])
def test_each_closing_call_is_noticed_on_a_kernel_lock(call: str) -> None:
    for path, inert in (("T", True), ("T.lock", True), ("T.flock", False), ("T.lockf", False)):
        closing = step(call, path)
        assert is_inert(closing) == inert
        assert subject(closing) == ("" if inert else LOCK)
        assert races(closing, step("openat", path)) == (not inert)


@pytest.mark.parametrize("call", ["think", "sleep", "turn"])
def test_a_step_without_a_file_call_is_never_noticed(call: str) -> None:
    assert is_inert(step(call, "T.flock"))


@pytest.mark.parametrize(
    "call",
    [
        *("open", "openat", "openat2", "creat", "open_by_handle_at"),
        *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
        *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "mknod", "mknodat", "bind"),
    ],
)
def test_each_call_on_names_races_with_a_listing(call: str) -> None:
    listing = step("getdents64", ".")
    changing = step(call, "tmp1", writes=True)
    assert races(changing, listing)
    assert races(listing, changing)
    assert not races(changing, step("getdents64", "sub"))


def test_a_reading_open_does_not_race_with_a_listing() -> None:
    assert not races(step("openat", "T", writes=False), step("getdents64", "."))


RACES = [
    (("write", "T"), ("read", "T")),
    (("write", "T"), ("write", "T")),
    (("rename", "tmp1 > T"), ("newfstatat", "T")),
    (("rename", "tmp1 > T"), ("write", "tmp1")),
    (("rename", "T > T.bak"), ("rename", "tmp1 > T")),
    (("openat", "T.lock", 0, True), ("unlink", "T.lock")),
    (("openat", "T.lock", 0, True), ("openat", "T.lock", 0, True)),
    (("close", "T.flock"), ("flock", "T.flock")),
    (("unlink", "T.lock"), ("getdents64", ".")),
    (("openat", "T", 0, True), ("getdents64", ".")),
]
QUIET = [
    (("read", "T"), ("newfstatat", "T")),
    (("write", "T"), ("write", "T.ledger")),
    (("write", "T"), ("think",)),
    (("write", "T"), ("sleep",)),
    (("write", "T"), ("close", "T")),
    (("rename", "tmp1 > tmp2"), ("write", "T")),
    (("write", "T"), ("getdents64", ".")),
    (("think",), ("sleep",)),
]


@pytest.mark.parametrize(("one", "other"), RACES)
def test_these_pairs_race_in_either_order(one: tuple[str], other: tuple[str]) -> None:
    assert races(step(*one), step(*other))
    assert races(step(*other), step(*one))


@pytest.mark.parametrize(("one", "other"), QUIET)
def test_these_pairs_do_not_race(one: tuple[str], other: tuple[str]) -> None:
    assert not races(step(*one), step(*other))
    assert not races(step(*other), step(*one))
