"""A shortage of the machine is told from other errors."""

from __future__ import annotations

import errno
import os
import resource

import pytest

from harness.model.errors import Shortage
from harness.system import control_group, machine_limits
from harness.system.machine_limits import OutOfMemory, check_descriptor, of_error, starting, too_small


@pytest.fixture
def open_files(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The limit of open files, as the code under test sees it."""
    limit = [1024]
    real = resource.getrlimit

    def seen(kind: int) -> tuple[int, int]:
        return (limit[0], limit[0]) if kind == resource.RLIMIT_NOFILE else real(kind)

    monkeypatch.setattr(resource, "getrlimit", seen)
    return limit


def test_a_limit_of_open_files_needs_sixty_four(open_files: list[int]) -> None:
    open_files[0] = 64
    assert "files" not in too_small()
    open_files[0] = 63
    assert too_small().startswith("at most 63 files may be open")
    open_files[0] = resource.RLIM_INFINITY
    assert "files" not in too_small()


def test_a_descriptor_near_the_limit_is_closed_and_told(open_files: list[int]) -> None:
    reading, writing = os.pipe()
    open_files[0] = writing + 9
    assert check_descriptor(writing) == writing
    open_files[0] = writing + 8
    with pytest.raises(Shortage, match=f"at most {writing + 8} files may be open"):
        check_descriptor(writing)
    with pytest.raises(OSError):
        os.fstat(writing)
    os.close(reading)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, ""), "raise the limit (ulimit -n)"),
        (OSError(errno.ENFILE, ""), "raise fs.file-max"),
        (OSError(errno.ENOMEM, ""), "no memory is left"),
        (MemoryError(), "no memory is left"),
        (RuntimeError("can't start new thread"), "no further process or thread is allowed"),
    ],
)
def test_errors_of_a_limit_say_which_and_the_remedy(error: Exception, words: str) -> None:
    assert words in of_error(error)


@pytest.mark.parametrize(
    "error", [OSError(errno.EAGAIN, ""), OSError(errno.ENOENT, ""), RuntimeError("other"), KeyError("x")]
)
def test_other_errors_are_of_no_limit(error: Exception) -> None:
    assert of_error(error) == ""


def test_a_refused_start_names_its_lane() -> None:
    told = "a lane cannot be started: no further process or thread is allowed"
    with pytest.raises(Shortage, match=told), starting("a lane"):
        raise BlockingIOError(errno.EAGAIN, "")
    with pytest.raises(FileNotFoundError), starting("a lane"):
        raise FileNotFoundError(errno.ENOENT, "")


def test_memory_that_ran_out_earlier_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kills, limit = [3], [control_group.MemoryLimit(100 << 20, "/group/memory.max")]
    monkeypatch.setattr(machine_limits.control_group, "oom_kills", lambda: kills[0])
    monkeypatch.setattr(machine_limits.control_group, "memory_limit", lambda: limit[0])
    memory = OutOfMemory()
    assert memory.why() == ""
    kills[0] = 4
    assert "may use 100 MiB; raise /group/memory.max" in memory.why()
    assert OutOfMemory().why() == ""
