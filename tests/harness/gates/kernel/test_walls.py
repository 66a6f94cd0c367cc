"""A fence that fails of a refusal by the kernel alone has not crashed; one that would fail anywhere has."""

from __future__ import annotations

import errno
import os
import socket
import tempfile

import pytest

from harness.gates.walls import cause_of, errno_of, excuse
from harness.system import capabilities
from tests.harness.gates.kernel.stage import Stage
from tests.harness.gates.kernel.walled import Walled

pytestmark = pytest.mark.requires("kernel-gate", "landlock")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("walls"), Walled) as stage, socket.socket(socket.AF_UNIX) as one:
        one.bind("\0" + os.path.realpath(stage.directory))
        one.listen()
        yield stage


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("ask_device", "the kernel answered ioctl on a device with EACCES (Permission denied)"),
        ("connect_outside", "the kernel answered an abstract socket of another program with EPERM"),
    ],
)
def test_a_refusal_by_landlock_is_no_crash(stage: Stage, word: str, why: str) -> None:
    seen = stage.run([word])
    assert seen.outcomes() == ["hindered"]
    assert why in seen.end.inconclusive
    assert "let the fence do without it" in seen.end.inconclusive


@pytest.mark.parametrize("word", ["mark_packets", "debug_socket", "hurry", "bring_up"])
def test_a_right_taken_from_root_is_no_crash_of_root(stage: Stage, word: str) -> None:
    """Another user would have met it without walls."""
    seen = stage.run([word])
    assert seen.outcomes() == ["hindered" if capabilities.given_up() else "crash"]


def readable(path: str) -> bool:
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("path", "excused"),
    [
        ("/proc/self/environ", True),
        ("/proc/1/environ", readable("/proc/1/environ")),
        ("/proc/self/none", False),
        ("transcript.jsonl", False),
        ("/nowhere/file", False),
        (f"{os.path.realpath(tempfile.gettempdir())}/harness-test-is-never-made", True),
    ],
)
def test_a_file_outside_is_an_excuse_where_the_harness_itself_could(path: str, excused: bool) -> None:
    cause = cause_of(errno.EACCES, True, ())
    assert errno_of(cause) == errno.EACCES
    text = f"PermissionError: [Errno 13] Permission denied: {path!r}"
    assert bool(excuse(cause, text, supervised=True)) == excused


@pytest.mark.parametrize(
    "word",
    [
        *("connect_to_nobody", "map_to_write", "start_what_is_no_program", "raise_it"),
        *("refuse_itself_a_file", "refuse_itself_the_session"),
    ],
)
def test_a_failure_without_walls_is_a_crash(stage: Stage, word: str) -> None:
    seen = stage.run([word])
    assert (seen.outcomes(), seen.end.inconclusive) == (["crash"], "")


@pytest.mark.parametrize(
    "word", ["share_memory", "open_outside", "pipe_outside", "rename_outside", "change_root"]
)
def test_a_refusal_by_the_supervisor_is_no_crash(stage: Stage, word: str) -> None:
    seen = stage.run([word])
    assert seen.outcomes() == ["hindered"]
    assert "the harness answered " in seen.end.inconclusive


def test_a_call_of_another_table_is_no_crash(stage: Stage) -> None:
    seen = stage.run(["call_of_x32"])
    assert seen.outcomes() == ["hindered"]
    assert "a call that cannot be followed with ENOSYS" in seen.end.inconclusive
