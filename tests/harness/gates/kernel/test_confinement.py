"""Nothing that a lane does changes a file outside the session directory."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from harness.gates.kernel import worker_processes
from harness.system.confined_starter import ConfinedStarter
from tests.harness.gates.kernel.escaping import Escaping
from tests.harness.gates.kernel.stage import Seen, Stage

pytestmark = pytest.mark.requires("kernel-gate")

READ_ONLY = [
    *("open_to_write", "open_to_truncate", "open_to_create", "open_relative", "open_device_like"),
    *("open_shared_memory", "open_unnamed", "openat2", "creat", "by_descriptor", "truncate"),
    *("rename_in", "rename_out", "rename_outside", "link_in", "link_out", "link_outside"),
    *("symlink", "unlink", "mkdir", "rmdir", "mkfifo", "bind"),
    *("chmod", "fchmod", "chown", "fchown", "utime", "utime_by_descriptor", "futimesat_by_descriptor"),
    *("setxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("symlink_then_write", "symlink_then_truncate", "symlink_then_chmod", "symlink_then_utime"),
    *("symlink_then_setxattr", "symlink_then_create", "symlink_twice", "symlink_of_directory"),
]
NOT_PERMITTED = [
    *("open_by_handle", "open_by_handle_from_inside", "device_node", "mount", "unshare", "chroot"),
    *("signal_all", "trace_explorer", "write_memory"),
    *("shared_memory", "semaphore", "message_queue", "posix_queue", "key", "set_clock"),
]
#: Of a process that a lane cannot name where process ids are the session's own.
ABOUT_OTHERS = [
    *("signal_outside", "signal_outside_group", "signal_explorer", "descriptor_of_process"),
    *("limit_explorer", "pin_explorer"),
]
BUSY = ["remove_session", "rename_session"]
ALLOWED = {
    "read": "victim",
    "read_by_symlink": "victim",
    "null_device": "4",
    "missing": "ENOENT",
    "stderr_by_name": "word",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("border"), Escaping) as stage:
        yield stage


def _without_ids(directory: str, own_pids: bool, private: str) -> ConfinedStarter:
    assert own_pids
    return ConfinedStarter(directory, private=private)


@pytest.fixture(scope="module")
def same_ids(tmp_path_factory):
    """A stage whose lanes have the machine's process ids, as those of a user that is not root."""
    with contextlib.ExitStack() as stack:
        # Only while it starts: the other stage may start later.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker_processes, "ConfinedStarter", _without_ids)
            stage = stack.enter_context(Stage(tmp_path_factory.mktemp("ids"), Escaping))
        yield stage


@pytest.fixture(autouse=True)
def victims(request: pytest.FixtureRequest):
    """Lay out the files outside, anew for each test."""
    stage = request.getfixturevalue("same_ids" if "same_ids" in request.fixturenames else "stage")
    beside = stage.directory.parent
    (beside / "empty").mkdir()
    victim = beside / "victim"
    victim.write_bytes(b"victim")
    os.setxattr(victim, "user.mark", b"mark")
    victim.chmod(0o640)
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        (beside / "process").write_text(str(process.pid))
        yield
        # It was neither ended nor stopped.
        assert process.poll() is None
        process.kill()
    (beside / "process").unlink()
    victim.unlink(missing_ok=True)
    (beside / "empty").rmdir()


def outside(stage: Stage) -> tuple[object, ...]:
    """All there is to see beside the session directory."""
    beside: Path = stage.directory.parent
    victim = beside / "victim"
    status = victim.stat()
    return (
        sorted(os.listdir(beside)),
        victim.read_bytes(),
        os.getxattr(victim, "user.mark"),
        (status.st_mode, status.st_nlink, status.st_mtime_ns, status.st_ctime_ns, status.st_ino),
        [name for name in os.listdir("/dev/shm") if name.startswith("harness-escape")],
    )


def run(stage: Stage, word: str) -> Seen:
    before = outside(stage)
    seen = stage.run([word])
    assert outside(stage) == before
    assert stage.path.read_bytes() == b"aaaa\nbbbb\n"
    assert not seen.end.inconclusive
    assert not seen.changes()
    return seen


@pytest.mark.parametrize("word", READ_ONLY)
def test_outside_is_a_read_only_file_system(stage: Stage, word: str) -> None:
    assert run(stage, word).said() == ["EROFS"]


@pytest.mark.parametrize("word", NOT_PERMITTED)
def test_calls_about_the_machine_or_others_are_not_permitted(stage: Stage, word: str) -> None:
    assert run(stage, word).said() == ["EPERM"]


@pytest.mark.parametrize("word", ABOUT_OTHERS)
def test_calls_about_another_process_are_not_permitted(same_ids: Stage, word: str) -> None:
    assert run(same_ids, word).said() == ["EPERM"]


def test_whether_another_process_lives_may_be_asked(same_ids: Stage) -> None:
    assert run(same_ids, "look_whether_alive").said() == ["alive"]


@pytest.mark.requires("pid-namespace of this process")
@pytest.mark.parametrize("word", ["signal_outside", "descriptor_of_process", "look_whether_alive"])
def test_no_process_outside_has_an_id_inside(stage: Stage, word: str) -> None:
    assert run(stage, word).said() == ["ESRCH"]


@pytest.mark.requires("landlock")
def test_a_path_that_changes_after_it_was_read_leads_nowhere(stage: Stage) -> None:
    """The supervisor reads a path, and the kernel reads it again; in between a thread may change it."""
    before = outside(stage)
    seen = stage.run(["race_of_paths"])
    assert outside(stage) == before
    assert seen.said() == ["raced"]


@pytest.mark.parametrize("word", BUSY)
def test_the_session_directory_itself_is_busy(stage: Stage, word: str) -> None:
    seen = run(stage, word)
    assert seen.said() == ["EBUSY"]
    assert seen.calls() == []


@pytest.mark.parametrize(("word", "told"), ALLOWED.items())
def test_reading_outside_and_writing_to_a_device_are_allowed(stage: Stage, word: str, told: str) -> None:
    assert run(stage, word).said() == [told]
