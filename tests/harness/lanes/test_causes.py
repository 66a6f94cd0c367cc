"""The errno behind a fence's exception: of the harness, of a limit of the machine, or the fence's own."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.lanes.op_executor import _errno_behind

#: True; no constant for the compiler.
REFUSED = bool(os.getpid())


def _raised(act: Callable[[], None]) -> BaseException:
    with pytest.raises(BaseException) as caught:
        act()
    return caught.value


def _starts_a_process() -> None:
    """As if the kernel had refused the call."""
    if REFUSED:
        raise BlockingIOError(errno.EAGAIN, "")
    os.fork()


def _starts_one_and_locks() -> None:
    if REFUSED:
        raise BlockingIOError(errno.EAGAIN, "")
    fcntl.flock(0, fcntl.LOCK_UN)
    os.fork()


def test_eagain_counts_where_processes_are_started() -> None:
    assert _errno_behind(_raised(_starts_a_process), ()) == errno.EAGAIN
    assert _errno_behind(_raised(_starts_one_and_locks), ()) == 0


def test_eagain_of_a_lock_is_the_fences_own(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open(path, "w") as one, open(path, "w") as other:
        fcntl.flock(one, fcntl.LOCK_EX)
        found = _raised(lambda: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB))
    assert isinstance(found, BlockingIOError)
    assert _errno_behind(found, ()) == 0


def test_a_thread_that_may_not_start_counts() -> None:
    assert _errno_behind(RuntimeError("can't start new thread"), ()) == errno.EAGAIN
    assert _errno_behind(RuntimeError("other"), ()) == 0


def test_an_answer_of_the_harness_counts_before_a_limit() -> None:
    error = OSError(errno.EMFILE, "")
    assert _errno_behind(error, ()) == errno.EMFILE
    error.__cause__ = OSError(errno.EROFS, "")
    assert _errno_behind(error, ()) == errno.EROFS
    assert _errno_behind(error, (errno.EROFS,)) == errno.EMFILE


@pytest.mark.parametrize(
    ("code", "cause"), [(-signal.SIGXFSZ, errno.EFBIG), (128 + signal.SIGXFSZ, errno.EFBIG), (-9, 0), (25, 0)]
)
def test_a_program_that_is_ended_for_a_large_file_counts(code: int, cause: int) -> None:
    assert _errno_behind(subprocess.CalledProcessError(code, ["program"]), ()) == cause
