"""Schedules with the same order of conflicting steps are of one class, and no others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.gates.kernel.syscall_table import CALLS
from harness.model.history import Step
from harness.results.trace_class import class_of


def klass(*steps: tuple[int, str] | tuple[int, str, str] | tuple[int, str, str, str]) -> int:
    return class_of([Step(step[0], 0, *step[1:]) for step in steps])


WRITE, READ = (0, "write", "T"), (1, "read", "T")
ELSEWHERE = (1, "write", "T.ledger")


def test_steps_on_different_files_may_come_in_any_order() -> None:
    assert klass(WRITE, ELSEWHERE) == klass(ELSEWHERE, WRITE)


def test_reads_before_and_after_a_change_differ() -> None:
    assert klass(WRITE, READ) != klass(READ, WRITE)


def test_reads_between_two_changes_may_come_in_any_order() -> None:
    other = (2, "newfstatat", "T")
    assert klass(READ, other, WRITE) == klass(other, READ, WRITE)
    assert klass(READ, WRITE, other) != klass(READ, other, WRITE)


@pytest.mark.parametrize("path", ["", "T"])
@pytest.mark.parametrize("call", ["think", "sleep", "turn", "close", "lseek"])
def test_thinking_and_closing_do_not_count(call: str, path: str) -> None:
    assert klass((0, call, path), WRITE, (1, call, path), READ) == klass(WRITE, READ)


def test_a_step_without_a_file_does_not_count() -> None:
    assert klass((0, "futex", ""), WRITE) == klass(WRITE)


def test_each_read_stays_on_its_side_of_a_change() -> None:
    second, other = (0, "write", "T"), (2, "newfstatat", "T")
    orders = [(WRITE,), (READ, WRITE), (WRITE, READ), (READ, READ, WRITE), (READ, WRITE, READ)]
    orders += [(READ, WRITE, other), (other, WRITE, READ), (WRITE, READ, second), (READ, WRITE, second)]
    orders += [(WRITE, second), (WRITE, second, READ), (WRITE, READ, second, READ)]
    assert len({klass(*order) for order in orders}) == len(orders)


def test_an_open_that_may_create_is_a_change() -> None:
    look, make = (0, "openat", "T.lock", "write"), (0, "openat", "T.lock", "write CREAT EXCL")
    other = (1, "openat", "T.lock", "read")
    assert klass(look, other) == klass(other, look)
    assert klass(make, other) != klass(other, make)


def test_a_rename_conflicts_with_steps_on_either_name() -> None:
    rename = (0, "rename", "tmp1 > T")
    assert klass(rename, READ) != klass(READ, rename)
    assert klass(rename, (1, "read", "tmp1")) != klass((1, "read", "tmp1"), rename)


def test_the_lane_of_a_step_counts() -> None:
    def by(lanes: Sequence[int]) -> int:
        return klass(*[(lane, "write", "T") for lane in lanes])

    assert len({by([0, 1]), by([1, 0]), by([0, 0])}) == 3


def by_kind(*kinds: str) -> list[str]:
    """Names of the calls that the kernel gate's table has of some kinds."""
    return sorted({call.name for call in CALLS.values() if call.kind in kinds})


@pytest.mark.parametrize("call", by_kind("data", "meta", "names"))
def test_each_call_that_changes_a_file_keeps_its_place(call: str) -> None:
    assert klass((0, call, "T"), READ) != klass(READ, (0, call, "T"))


@pytest.mark.parametrize(
    "call", sorted({*by_kind("look", "stat"), "open", "openat", "openat2", "open_by_handle_at"} - {"msync"})
)
def test_each_call_that_only_looks_has_no_place(call: str) -> None:
    other = (1, "newfstatat", "T")
    assert klass((0, call, "T"), other) == klass(other, (0, call, "T"))


@pytest.mark.parametrize("call", ["open", "openat", "openat2", "open_by_handle_at"])
@pytest.mark.parametrize("note", ["write TRUNC", "write CREAT", "write CREAT EXCL"])
def test_an_open_that_makes_or_empties_keeps_its_place(call: str, note: str) -> None:
    assert klass((0, call, "T", note), READ) != klass(READ, (0, call, "T", note))
