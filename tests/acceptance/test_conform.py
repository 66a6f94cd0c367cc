"""``conform`` of a fence in Python: its process lives on, its locks do not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.harness_process import Harness, write_fence

#: A lock on the folder itself, by a descriptor that no handle closes; and a state that its module keeps.
RAW = """\
import fcntl
import os

from fence.protocol import Fence
from fence.transcript import read_all

LOADED = []


class Raw:
    def __init__(self, folder):
        self._folder, self._fd, self.held = folder, -1, False

    def acquire(self):
        if self._fd < 0:
            self._fd = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self.held = True

    def release(self):
        if not self.held:
            raise OSError("not held")
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        self.held = False

    def release_if_held(self):
        if self.held:
            self.release()

    def __enter__(self):
        self.acquire()

    def __exit__(self, *error):
        self.release_if_held()


class OfTheFolder(Fence):
    lock_kind = "flock"
    lock_path = "{directory}"

    def __init__(self, site):
        super().__init__(site)
        self.lock = Raw(os.path.dirname(site.transcript))


class LoadsOnce(OfTheFolder):
    def load(self):
        if not LOADED:
            LOADED.append(read_all(self.path))
        return LOADED[0]
"""


def test_conform_begins_each_schedule_without_the_locks_of_the_last(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, RAW)
    ended = harness.call("conform", f"{fences}:OfTheFolder")
    assert (ended.status, ended.out.splitlines()[-1]) == (0, "all 16 checks passed")
    # The process goes on, so that what modules remember shows.
    ended = harness.call("conform", f"{fences}:LoadsOnce", "--json")
    off = [check["check"] for check in map(json.loads, ended.out.splitlines()) if not check["ok"]]
    assert ended.status == 1
    assert "load returns the bytes of the file" in off
