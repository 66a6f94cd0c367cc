"""Which steps may be exchanged: what might conflict does."""

from __future__ import annotations

import itertools

import pytest

from harness.conflicts import LOCK, TRANSCRIPT, Relation, is_inert, names_of, races, subject
from harness.gates.protocol import Candidate

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
def test_steps_on_the_transcript_and_its_lock_are_told_from_others(call: str, path: str, about: str) -> None:
    for _ in range(2):
        assert subject(step(call, path)) == about


def test_a_rename_is_about_both_its_names() -> None:
    assert names_of("tmp1 > T") == ("tmp1", "T")
    assert names_of("T") == ("T",)
    assert names_of("") == ()


def test_nobody_can_tell_when_a_lane_thinks_or_closes() -> None:
    assert all(
        is_inert(step(*words)) for words in [("think",), ("sleep",), ("close", "T"), ("close", "T.lock")]
    )
    assert not is_inert(step("close", "T.flock"))
    assert not is_inert(step("read", "T"))


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
def test_these_race_whichever_is_asked_about(one: tuple[str], other: tuple[str]) -> None:
    assert races(step(*one), step(*other))
    assert races(step(*other), step(*one))


@pytest.mark.parametrize(("one", "other"), QUIET)
def test_these_do_not(one: tuple[str], other: tuple[str]) -> None:
    assert not races(step(*one), step(*other))
    assert not races(step(*other), step(*one))


# The conservative relation


def pair(one: tuple[str], other: tuple[str]) -> tuple[Candidate, Candidate]:
    first, second = step(*one), step(*other)
    second.lane = 1
    return first, second


@pytest.mark.parametrize(("one", "other"), [*RACES, *QUIET])
def test_whatever_races_is_dependent(one: tuple[str], other: tuple[str]) -> None:
    first, second = pair(one, other)
    relation = Relation()
    assert relation.dependent(first, second) == relation.dependent(second, first)
    assert relation.dependent(first, second) or not races(first, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Inode numbers are given in order, and a freed one is given again.
        (("openat", "tmp1", 0, True), ("openat", "tmp2", 0, True)),
        (("unlink", "tmp1"), ("creat", "tmp2")),
        (("close", "tmp1"), ("creat", "tmp2")),
        # A lock by fcntl goes with any descriptor of its file.
        (("close", "T"), ("fcntl", "T", 0, True)),
        # Nobody knows what it is about.
        (("read", "T"), ("write", "")),
    ],
)
def test_what_shows_only_in_rare_ways_is_dependent_all_the_same(one: tuple[str], other: tuple[str]) -> None:
    relation = Relation()
    assert relation.dependent(*pair(one, other))
    assert relation.dependent(*reversed(pair(one, other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("read", "T"), ("read", "T")),
        (("write", "T"), ("write", "tmp1")),
        (("write", "T"), ("think",)),
        (("unlink", "T"), ("sleep",)),
        (("close", "T"), ("close", "T.lock")),
        (("unlink", "tmp1"), ("read", "T")),
    ],
)
def test_what_cannot_show_is_not(one: tuple[str], other: tuple[str]) -> None:
    assert not Relation().dependent(*pair(one, other))


def test_lanes_of_one_process_always_depend_on_each_other() -> None:
    relation = Relation(["p", "q", "p"])
    thinks = [step("think", lane=lane) for lane in range(3)]
    told = {(a.lane, b.lane) for a, b in itertools.permutations(thinks, 2) if relation.dependent(a, b)}
    assert told == {(0, 2), (2, 0)}


def test_a_lane_depends_on_itself() -> None:
    assert Relation().dependent(step("think"), step("think"))


@pytest.mark.parametrize("call", ["rename", "renameat2", "link", "linkat"])
def test_names_that_were_one_file_are_one_from_then_on(call: str) -> None:
    relation = Relation()
    by_name, by_descriptor = pair(("write", "tmp1"), ("read", "T"))
    assert not relation.dependent(by_name, by_descriptor)
    relation.note(step(call, "tmp1 > T", writes=True))
    assert relation.dependent(by_name, by_descriptor)
    relation.note(step(call, "T > T.bak", writes=True))
    assert relation.dependent(*pair(("write", "tmp1"), ("read", "T.bak")))
    assert not relation.dependent(*pair(("write", "tmp1"), ("read", "T.lock")))


@pytest.mark.parametrize("blurring", [step("symlink", "tmp1"), step("mmap", "T", writes=True)])
def test_after_a_symlink_or_a_mapping_for_writing_anything_may_meet(blurring: Candidate) -> None:
    relation = Relation()
    relation.note(step("mmap", "T", writes=False))
    assert not relation.dependent(*pair(("think",), ("read", "T")))
    relation.note(blurring)
    assert relation.dependent(*pair(("think",), ("read", "T")))
    relation.begin()
    assert not relation.dependent(*pair(("think",), ("read", "T")))
