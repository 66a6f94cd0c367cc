"""The table of the errors that each call can give."""

from __future__ import annotations

import errno

import pytest

from harness.scenario.faults import (
    ERRORS,
    ERRORS_OF_CALL,
    FAILING,
    INTERRUPTIBLE,
    OF_NAMES,
    errors_of,
    recorded_name,
)
from harness.scenario.faults.errors import SPELLINGS


def test_each_call_that_can_fail_has_its_errors() -> None:
    assert set(ERRORS_OF_CALL) == set(FAILING)
    assert {error for errors in ERRORS_OF_CALL.values() for error in errors} == set(ERRORS)
    assert errors_of("close") == errors_of("") == ()


def test_a_signal_interrupts_the_calls_that_it_can() -> None:
    assert {call for call in FAILING if "EINTR" in errors_of(call)} == set(INTERRUPTIBLE)


@pytest.mark.parametrize(
    ("call", "given", "not_given"),
    [
        (
            "rename",
            "EPERM EACCES EBUSY EXDEV ENOENT EROFS ELOOP ENOTEMPTY EEXIST EINVAL",
            "EMFILE ENOLCK ENOSYS",
        ),
        ("openat", "EPERM EACCES EBUSY ENOENT EROFS ELOOP EMFILE ENFILE EEXIST", "EXDEV ENOTEMPTY ENOLCK"),
        ("write", "EPERM ENOSPC EFBIG EROFS EIO", "ENOENT EACCES EXDEV EMFILE"),
        ("fsync", "EIO ENOSPC EROFS", "EPERM EFBIG"),
        ("newfstatat", "EACCES ENOENT ELOOP", "EPERM ENOSPC EROFS"),
        ("link", "EPERM EXDEV EMLINK EOPNOTSUPP ENOTSUP", "ENOTEMPTY EBUSY EMFILE"),
        ("flock", "ENOLCK EOPNOTSUPP ENOTSUP ENOSYS EINTR EWOULDBLOCK", "EACCES EPERM EDEADLK"),
        ("fcntl", "ENOLCK EOPNOTSUPP ENOTSUP ENOSYS EDEADLK EACCES", "ENOENT EXDEV"),
        ("renameat2", "ENOSYS EINVAL EXDEV", "ENOLCK"),
        ("statx", "ENOSYS EPERM ENOENT", "ENOSPC"),
        ("copy_file_range", "EXDEV EOPNOTSUPP ETXTBSY ENOSYS", "ENOENT"),
    ],
)
def test_a_call_can_give_its_own_errors_and_no_others(call: str, given: str, not_given: str) -> None:
    assert set(given.split()) <= set(errors_of(call))
    assert not set(not_given.split()) & set(errors_of(call))


def test_two_spellings_of_a_number_are_recorded_as_one() -> None:
    for error in ERRORS:
        number = getattr(errno, error)
        assert getattr(errno, recorded_name(error)) == number
        assert recorded_name(number) == recorded_name(error)
    assert {recorded_name(error) for error in SPELLINGS} == {"EOPNOTSUPP", "EAGAIN"}
    assert recorded_name("") == ""
    assert recorded_name(errno.EPIPE) == "EPIPE"


def test_errors_of_names_are_errors() -> None:
    assert set(ERRORS) >= OF_NAMES
