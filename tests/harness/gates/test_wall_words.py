"""The last words of a program tell of some answers and limits of the harness, and not of others."""

from __future__ import annotations

import os
import tempfile

import pytest

from harness.gates.wall_words import excuse_of_words, named_wall

pytestmark = pytest.mark.requires("kernel-gate", "landlock")

#: A file that could be made, and a script of a program's own.
_FILE = f"{os.path.realpath(tempfile.gettempdir())}/harness-test-is-never-made"
_SCRIPT = f"{os.path.realpath(tempfile.gettempdir())}/store"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Error: connect EPERM \0x", "an abstract socket"),
        ("fcntl.ioctl(one, 2) | PermissionError: [Errno 13] Permission denied", "ioctl on a device"),
        ("bash: x: Function not implemented", "ENOSYS"),
        (f"OSError: [Errno 30] Read-only file system: '{_FILE}'", "EROFS"),
        (f"PermissionError: [Errno 13] Permission denied: 'x' -> '{_FILE}'", "EACCES"),
        (f"Error: EROFS: read-only file system, open '{_FILE}'", "EROFS"),
        (f"bash: line 1: {_FILE}: Permission denied", "EACCES"),
        (f"touch: cannot touch '{_FILE}': Read-only file system", "EROFS"),
        (f"open {_FILE}: operation not permitted", "EPERM"),
        (f"java.io.FileNotFoundException: {_FILE} (Read-only file system)", "EROFS"),
        ("Error: EACCES: permission denied, open 'x'", ""),
        ("PermissionError: [Errno 13] Permission denied: 'd'", ""),
        (f"Permission denied at {_SCRIPT}.pl line 3.", ""),
        (f"{_SCRIPT}.sh: line 3: d: Permission denied", ""),
        (f"EACCES: permission denied, open 'd' | at Object.open ({_SCRIPT}.mjs:3:4)", ""),
        ("Error: EPERM: operation not permitted, unlink 'd' | syscall: 'unlink'", ""),
        ("Permission denied: '/nowhere/file'", ""),
        ("connect ECONNREFUSED", ""),
    ],
)
def test_last_words_name_the_refused_call(words: str, expected: str) -> None:
    for supervised in (True, False):
        said = named_wall(words, supervised=supervised)
        assert expected in said and bool(said) == bool(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Error: kill EPERM", "a signal to a process outside with EPERM"),
        ("gdb: ptrace: Operation not permitted.", "a call that no session may make with EPERM"),
        (f"EXDEV: cross-device link not permitted, rename 'x' -> '{_FILE}'", "EXDEV"),
    ],
)
def test_supervised_errors_need_no_excuse_by_their_words(words: str, expected: str) -> None:
    assert expected in excuse_of_words(words, supervised=False)
    assert excuse_of_words(words, supervised=True) == ""


def test_a_limit_of_memory_is_known_by_its_words() -> None:
    assert "MiB of data" in excuse_of_words("fatal error: runtime: out of memory", supervised=True)


def test_too_few_open_files_are_known_by_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Error: EMFILE: too many open files, open 'x'"
    for most, excused in ((64, True), (4096, False)):
        monkeypatch.setattr("harness.gates.limits.open_files_max", lambda most=most: most)
        assert bool(excuse_of_words(said, supervised=True)) == excused
