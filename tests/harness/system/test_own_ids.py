"""Why a session cannot have process ids and mounts of its own, and what to do about it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness.system import own_ids, read_only_mounts

pytestmark = pytest.mark.requires("mounts", "root")


ROOT = Path(__file__).resolve().parents[3]
ASK = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from harness.system.own_ids import examine
print(*examine("/dev/shm"), sep="|", end="")
"""


def examined_in_a_chroot(folder: Path, *, bound: bool) -> own_ids.Found:
    """Return what is found below a folder that shows all files of this machine."""
    folder = folder / "root"
    folder.mkdir()
    bind = f"mount --bind {folder} {folder}" if bound else ":"
    script = f"""
        set -e
        {bind}
        cd {folder}
        for name in $(ls /); do
            if [ -d "/$name" ] && [ ! -L "/$name" ]; then mkdir "$name"; mount --rbind "/$name" "$name"
            elif [ -L "/$name" ]; then cp -P "/$name" .
            fi
        done
        exec chroot . {sys.executable} -c {shlex.quote(ASK)}
    """
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    return own_ids.Found(*said.split("|"))


@pytest.mark.parametrize("bound", [False, True], ids=["a folder", "a mount"])
def test_a_chroot_is_told_from_a_lack_of_rights(tmp_path: Path, *, bound: bool) -> None:
    for refused in examined_in_a_chroot(tmp_path, bound=bound):
        assert refused.endswith("; a chroot has none: use a container, whose root is changed by pivot_root")


def test_this_machine_is_no_chroot() -> None:
    assert not read_only_mounts.in_chroot()
