"""Test which call of an operation a fault hits."""

from __future__ import annotations

import errno

import pytest

from harness.model.program import Fault, Filesystem, LaneProgram, Op, Program
from harness.scenario.faults import CALLS, CUTTABLE, ERRORS, FAILING, INTERRUPTIBLE, Due, Injector

Call = tuple[str, str]
CUT = Due(keep_permille=500)
FULL = Due("ENOSPC")


def injector(*faults: Fault) -> Injector:
    """Return an injector with the faults in operation 2 of lane 1."""
    ops = (Op("acquire"), Op("load"), Op("append", faults=faults), Op("release"))
    lanes = tuple(LaneProgram(name, "cron", name, True, ops if name == "b" else ()) for name in "ab")
    return Injector(Program(lanes, (), Filesystem(), 0))


def met(injected: Injector, *calls: Call, lane: int = 1, op: int = 2) -> list[Due | None]:
    return [injected.due(lane, op, call, path) for call, path in calls]


WRITE = ("write", "T")


def test_a_call_fails_once() -> None:
    assert met(injector(Fault("write", "ENOSPC")), ("openat", "T"), WRITE, WRITE) == [None, FULL, None]


@pytest.mark.parametrize(
    ("named", "made", "hit"),
    [
        ("rename", "renameat2", True),
        ("rename", "renameat", True),
        ("open", "openat", True),
        ("unlink", "unlinkat", True),
        ("renameat2", "rename", False),
        ("write", "pwrite64", False),
        ("chmod", "fchmod", False),
    ],
)
def test_the_short_name_of_a_call_stands_for_its_other_forms(named: str, made: str, hit: bool) -> None:
    assert met(injector(Fault(named, "EPERM")), (made, "T")) == [Due("EPERM") if hit else None]


def test_the_write_after_a_short_write_fails() -> None:
    fault = Fault("write", "ENOSPC", 500)
    assert met(injector(fault), WRITE, ("read", "T"), WRITE, WRITE) == [CUT, None, FULL, None]


def test_a_write_that_is_only_cut_short_can_go_on() -> None:
    assert met(injector(Fault("write", keep_permille=500)), WRITE, WRITE) == [CUT, None]


def test_a_cut_to_the_shortest_is_a_cut() -> None:
    assert met(injector(Fault("write", "EIO", 0)), WRITE, WRITE) == [Due(keep_permille=0), Due("EIO")]


def test_only_calls_of_that_name_on_that_file_are_counted() -> None:
    fault = Fault("write", "ENOSPC", nth=2)
    calls = (WRITE, ("pwrite64", "T"), ("write", "T.ledger"), ("write", "T.lock"), WRITE, WRITE)
    assert met(injector(fault), *calls) == [None, None, None, None, FULL, None]


@pytest.mark.parametrize(
    ("path", "transcript", "beside"),
    [
        ("T", True, False),
        ("tmp1 > T", True, False),
        ("T > tmp1", True, False),
        ("T.ledger", False, True),
        ("tmp1", False, True),
        ("T.rewrite.tmp", False, True),
        ("T.lock", False, False),
        ("T.flock", False, False),
        ("tmp1 > T.lock", False, False),
        ("", False, False),
    ],
)
def test_a_fault_beside_the_transcript_never_hits_the_lock(path: str, transcript: bool, beside: bool) -> None:
    for file, hit in (("transcript", transcript), ("beside", beside)):
        (due,) = met(injector(Fault("rename", "EIO", file=file)), ("rename", path))
        assert (due == Due("EIO")) is hit


def test_other_operations_and_lanes_have_no_fault() -> None:
    injected = injector(Fault("write", "ENOSPC"))
    assert met(injected, WRITE, lane=0) == met(injected, WRITE, op=1) == met(injected, WRITE, op=-1) == [None]
    assert met(injected, WRITE) == [FULL]


def test_the_first_of_several_faults_that_are_due_counts() -> None:
    injected = injector(Fault("write", "EIO"), Fault("write", "ENOSPC"), Fault("write", "EDQUOT", nth=2))
    assert met(injected, WRITE, WRITE) == [Due("EIO"), Due("EDQUOT")]


def test_the_call_follows_the_process_fault_before_it() -> None:
    faults = (Fault(nth=2, file="any", stop_ms=40), Fault("write", "ENOSPC"))
    stop = Due(process_fault="stop", duration_ms=40)
    # The write after the stop is the one that the stop preceded.
    assert met(injector(*faults), ("think", ""), WRITE, WRITE, WRITE) == [None, stop, None, None]


def test_a_slow_disk_affects_file_calls_from_the_nth_on() -> None:
    slow = Due(process_fault="slow", duration_ms=9)
    fault = Fault(nth=2, file="any", slow_ms=9)
    calls = (WRITE, ("think", ""), ("read", "T.lock"), ("read", "T.lock"), WRITE, WRITE)
    assert met(injector(fault), *calls) == [None, None, slow, None, slow, None]


def test_a_kill_comes_before_a_step_or_within_a_write() -> None:
    assert met(injector(Fault(nth=1, file="any", kill=True)), WRITE) == [Due(process_fault="kill")]
    torn = Fault("write", keep_permille=20, kill=True)
    assert met(injector(torn), ("openat", "T"), WRITE) == [None, Due(keep_permille=20, process_fault="kill")]


def test_time_can_run_ahead_by_nothing() -> None:
    assert met(injector(Fault(file="any", ahead_ms=0)), WRITE) == [Due(process_fault="ahead")]


def test_a_fault_of_the_lock_is_about_the_lock() -> None:
    fault = Fault("write", file="lock", stop_ms=1)
    dues = met(injector(fault), WRITE, ("write", "T.ledger"), ("write", "T.lock"))
    assert [due is not None for due in dues] == [False, False, True]


def test_planned_tells_whether_there_are_faults() -> None:
    assert injector(Fault("write", "EIO")).planned
    assert not injector().planned


def test_every_error_and_every_call_exists() -> None:
    from harness.gates.kernel.syscall_table import CALLS as TRAPPED

    assert all(hasattr(errno, name) for name in ERRORS)
    trapped = {call.name: call.kind for call in TRAPPED.values()}
    assert {trapped[call] for call in FAILING} <= {"look", "stat", "data", "meta", "names", "open", "lock"}
    assert set(INTERRUPTIBLE) <= set(FAILING) < set(CALLS) <= set(trapped)
    assert set(CUTTABLE) <= set(CALLS)
