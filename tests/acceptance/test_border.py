"""Nothing that a fence or a scenario says reaches a file outside the session directory and the results."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.acceptance.harness_process import SCENARIO, Harness, write_fence, write_scenario

# Each attempt may fail in any way; only its effect counts.
FENCES = """\
OUT = {out!r}
FILE = os.path.join(OUT, "file")


class Tries(Fence):
    def guarded_write(self, entries):
        for name in sorted(dir(type(self))):
            if name.startswith("try_"):
                try:
                    getattr(self, name)(self.path + "." + name)
                except OSError:
                    pass
        super().guarded_write(entries)


def put(path, flags=os.O_WRONLY | os.O_TRUNC, **options):
    descriptor = os.open(path, flags, **options)
    try:
        os.write(descriptor, b"taken over")
    finally:
        os.close(descriptor)


class Opens(Tries):
    def try_write(self, inside):
        put(FILE)

    def try_append(self, inside):
        put(FILE, os.O_WRONLY | os.O_APPEND)

    def try_read_write(self, inside):
        put(FILE, os.O_RDWR)

    def try_create(self, inside):
        put(os.path.join(OUT, "new"), os.O_WRONLY | os.O_CREAT)

    def try_by_the_device_folder(self, inside):
        put("/dev/.." + FILE)

    def try_in_shared_memory(self, inside):
        put("/dev/shm/" + {token!r}, os.O_WRONLY | os.O_CREAT)

    def try_relative(self, inside):
        os.chdir(OUT)
        put("file")

    def try_by_descriptor_of_the_folder(self, inside):
        put("file", dir_fd=os.open(OUT, os.O_RDONLY))

    def try_by_proc(self, inside):
        put(f"/proc/self/fd/{{os.open(FILE, os.O_RDONLY)}}")

    def try_upwards(self, inside):
        folder = os.path.dirname(self.path)
        put(os.path.join(folder, os.path.relpath(FILE, folder)))

    def try_socket(self, inside):
        import socket
        socket.socket(socket.AF_UNIX).bind(os.path.join(OUT, "socket"))

    def try_program(self, inside):
        subprocess.run(["sh", "-c", f"echo taken over > {{FILE}}"], stderr=subprocess.DEVNULL)


class Renames(Tries):
    def try_rename_out(self, inside):
        put(inside, os.O_WRONLY | os.O_CREAT)
        os.rename(inside, FILE)

    def try_rename_in(self, inside):
        os.rename(FILE, inside)

    def try_link_out(self, inside):
        os.link(self.path, os.path.join(OUT, "linked"))

    def try_link_in(self, inside):
        os.link(FILE, inside)
        put(inside)

    def try_symlink_out(self, inside):
        os.symlink(self.path, os.path.join(OUT, "symlink"))

    def try_unlink(self, inside):
        os.unlink(FILE)

    def try_mkdir(self, inside):
        os.mkdir(os.path.join(OUT, "folder"))

    def try_rmdir(self, inside):
        os.rmdir(os.path.join(OUT, "empty"))

    def try_fifo(self, inside):
        os.mkfifo(os.path.join(OUT, "fifo"))


class Changes(Tries):
    def try_truncate(self, inside):
        os.truncate(FILE, 0)

    def try_chmod(self, inside):
        os.chmod(FILE, 0)

    def try_chmod_by_descriptor(self, inside):
        os.fchmod(os.open(FILE, os.O_RDONLY), 0)

    def try_chown_by_descriptor(self, inside):
        os.fchown(os.open(FILE, os.O_RDONLY), os.getuid(), 12345)

    def try_utime(self, inside):
        os.utime(FILE, (1, 1))

    def try_utime_by_descriptor(self, inside):
        os.utime(os.open(FILE, os.O_RDONLY), (1, 1))

    def try_attribute(self, inside):
        os.setxattr(FILE, "user.taken", b"over")

    def try_attribute_by_descriptor(self, inside):
        os.setxattr(os.open(FILE, os.O_RDONLY), "user.taken", b"over")


class ThroughLinks(Tries):
    def try_write(self, inside):
        os.symlink(FILE, inside)
        put(inside)

    def try_create(self, inside):
        os.symlink(os.path.join(OUT, "new"), inside)
        put(inside, os.O_WRONLY | os.O_CREAT)

    def try_folder(self, inside):
        os.symlink(OUT, inside)
        put(os.path.join(inside, "file"))

    def try_truncate(self, inside):
        os.symlink(FILE, inside)
        os.truncate(inside, 0)

    def try_chmod(self, inside):
        os.symlink(FILE, inside)
        os.chmod(inside, 0)

    def try_utime(self, inside):
        os.symlink(FILE, inside)
        os.utime(inside, (1, 1))

    def try_link_to_a_link(self, inside):
        os.symlink(FILE, inside)
        os.link(inside, inside + "2", follow_symlinks=True)
        put(inside + "2")
"""


def _picture(folder: Path) -> dict[str, object]:
    """Everything about a folder that must not change."""
    picture: dict[str, object] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        attributes = os.listxattr(path)
        facts = (
            status.st_mode,
            status.st_uid,
            status.st_gid,
            status.st_nlink,
            status.st_mtime_ns,
            status.st_ino,
        )
        picture[str(path.relative_to(folder))] = (*facts, content, attributes)
    return picture


@pytest.mark.requires("kernel-gate", "landlock")
@pytest.mark.parametrize("gate", ["kernel", "free"])
@pytest.mark.parametrize("name", ["Opens", "Renames", "Changes", "ThroughLinks"])
def test_a_fence_cannot_change_a_file_outside_its_session_directory(
    harness: Harness, tmp_path: Path, name: str, gate: str
) -> None:
    if gate == "free" and name in ("Changes", "ThroughLinks") and os.geteuid() != 0:
        pytest.skip("this machine lacks: root, from whom a mount keeps the modes of files")
    outside = tmp_path / "outside"
    (outside / "empty").mkdir(parents=True)
    (outside / "file").write_text("as it was")
    token = f"harness-test-{tmp_path.name}-{os.getpid()}"
    fences = write_fence(tmp_path, FENCES.format(out=str(outside), token=token))
    before = _picture(outside)
    ended = harness.run(
        write_scenario(tmp_path), "--fence", f"{fences}:{name}", "--schedules", 1, "--gate", gate
    )
    assert _picture(outside) == before
    assert not Path("/dev/shm", token).exists()
    assert ended.status in (0, 1, 3), ended


#: A scenario that names a fence, so that it runs.
_ASKED = SCENARIO.replace("expect: {}", "expect: {none: []}")
HOSTILE = {
    "lane": _ASKED.replace("- role: heartbeat", "- role: heartbeat\n    name: ../../../escaped"),
    "process": _ASKED.replace("process: other", "process: ../../../escaped"),
    "policy": _ASKED.replace(
        "policy: coordinated", "policy: {name: ../../escaped, about: hostile, base: coordinated}"
    ),
    "fence": SCENARIO.replace("expect: {}", "expect: {../../escaped: [crash]}"),
    "fence file": SCENARIO.replace("expect: {}", "expect: {../escaped.py:Fence: [crash]}"),
    "option": _ASKED
    + "fence_options: {lock_path: ../../../escaped, lock_suffix: /../../escaped, path: /escaped}\n",
    "action": _ASKED.replace("- role: heartbeat", "- role: editor\n    actions: [../../escaped]"),
    "name": "name: ../../escaped\n" + _ASKED,
}


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_scenario_cannot_make_a_file_elsewhere(harness: Harness, tmp_path: Path, text: str) -> None:
    scenario = write_scenario(tmp_path, text)
    ended = harness.run(scenario, "--schedules", 1, "--seed", 1)
    assert ended.status in (0, 1, 2, 3), ended
    assert "Traceback" not in ended.err
    assert {path.name for path in tmp_path.iterdir()} <= {"out", "sessions", "small.yaml"}
    assert not list(tmp_path.parent.glob("escaped*"))
    for path in harness.out.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", path.name), path


@pytest.mark.requires("kernel-gate")
def test_a_fence_reference_becomes_a_harmless_file_name(harness: Harness, tmp_path: Path) -> None:
    folder = tmp_path / ("deep " * 20) / ("and..$(odd)" * 20)
    folder.mkdir(parents=True)
    fences = write_fence(folder, "class Raises(Fence):\n    def load(self):\n        raise KeyError\n")
    ended = harness.run(write_scenario(tmp_path), "--fence", f"{fences}:Raises", "--schedules", 1)
    assert ended.status == 1
    (witness,) = harness.witnesses()
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,200}", witness.name)
    assert (
        harness.call("replay", witness, "--allow-programs", "--session-root", harness.session_root).status
        == 0
    )
