"""Locks of other makes than the shipped ones, declared by a fence: sound ones pass, broken ones are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

LOCKS = '''\
import contextlib
import fcntl

from fence.errors import LockTimeoutError, StaleLockError

_libc = ctypes.CDLL(None, use_errno=True)


class Locked(Fence):
    """Takes its lock by `take`, which says whether it got it, and gives it up by `free`."""

    def take(self):
        raise NotImplementedError

    def free(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name)

    @property
    def name(self):
        return self.path + ".lock"

    def acquire(self):
        for _ in range(400):
            if self.take():
                self.held = True
                return
            time.sleep(0.05)
        raise LockTimeoutError("busy")

    def release(self):
        if not self.held:
            raise StaleLockError("not held")
        self.held = False
        self.free()

    begin_turn, release_for_prompt, held = acquire, release, False

    def end_turn(self):
        if self.held:
            self.release()

    def guarded_write(self, entries):
        self.acquire()
        try:
            append_lines(self.path, entries)
        finally:
            self.release()

    def make(self):
        own = f"{self.path}.{self.site.lane}"
        os.close(os.open(own, os.O_CREAT | os.O_WRONLY, 0o600))
        return own


class ByLink(Locked):
    def take(self):
        own = self.make()
        try:
            os.link(own, self.name)
            return True
        except FileExistsError:
            return False
        finally:
            os.unlink(own)


class LinksAfterALook(ByLink):
    def take(self):
        if os.path.exists(self.name):
            return False
        own = self.make()
        os.rename(own, self.name)
        return True


class BySymlink(Locked):
    def take(self):
        try:
            os.symlink(self.site.lane, self.name)
            return True
        except FileExistsError:
            return False


class RobsAfterALook(BySymlink):
    def take(self):
        if os.path.lexists(self.name):
            return False
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name)
        return super().take()


class ByRename(Locked):
    flag = 1  # RENAME_NOREPLACE

    def take(self):
        own = self.make()
        done = _libc.renameat2(-100, os.fsencode(own), -100, os.fsencode(self.name), self.flag)
        if done != 0:
            os.unlink(own)
        return done == 0


class RenamesOver(ByRename):
    def take(self):
        if os.path.exists(self.name):
            return False
        return super().take()

    flag = 0


class Both(ByLink):
    """An flock on the folder's guard and a linked file: a writer has both."""

    further_locks = (("flock", "{directory}/.guard"),)

    def take(self):
        if not super().take():
            return False
        self.fd = os.open(os.path.join(os.path.dirname(self.path), ".guard"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        return True

    def free(self):
        os.close(self.fd)
        super().free()


class BothButOneAlone(Both):
    """Its linked file keeps no lane out; the other lock still does."""

    def take(self):
        own = self.make()
        os.rename(own, self.name)
        self.fd = os.open(os.path.join(os.path.dirname(self.path), ".guard"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        return True

    def free(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name)
        os.close(self.fd)


class BothShared(Both):
    """Its flock is shared and its file is renamed over another's: neither keeps a lane out."""

    def take(self):
        own = self.make()
        os.rename(own, self.name)
        self.fd = os.open(os.path.join(os.path.dirname(self.path), ".guard"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_SH)
        return True

    def free(self):
        os.close(self.fd)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name)


class SharedByRange(Locked):
    """A record lock in shared mode for writes; the runner's is exclusive."""

    lock_kind, lock_path = "record", "{transcript}.guard"
    exclusive = False

    def take(self):
        self.fd = os.open(self.path + ".guard", os.O_RDWR | os.O_CREAT, 0o600)
        mode = fcntl.LOCK_EX if self.exclusive or self.site.lane == "runner" else fcntl.LOCK_SH
        try:
            fcntl.lockf(self.fd, mode | fcntl.LOCK_NB)
        except OSError:
            os.close(self.fd)
            return False
        return True

    def free(self):
        os.close(self.fd)


class Downgraded(Locked):
    """An flock that becomes a shared one before the write."""

    lock_kind, lock_path = "flock", "{transcript}.guard"
    mode = fcntl.LOCK_SH

    def take(self):
        self.fd = os.open(self.path + ".guard", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        fcntl.flock(self.fd, self.mode)
        return True

    def free(self):
        os.close(self.fd)


class KeptExclusive(Downgraded):
    mode = fcntl.LOCK_EX


class OnTheDirectory(KeptExclusive):
    lock_path = "{directory}"

    def take(self):
        self.fd = os.open(os.path.dirname(self.path), os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self.fd, self.mode)
        return True


class SharesTheDirectory(OnTheDirectory):
    mode = fcntl.LOCK_SH


class Present(SharedByRange):
    """Each process has a byte of its own to show that it is there; the lock is byte 100."""

    fd = None

    def take(self):
        if self.fd is None:
            self.fd = os.open(self.path + ".guard", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.lockf(self.fd, fcntl.LOCK_EX, 1, self.own)
        try:
            fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 100)
        except OSError:
            return False
        return True

    @property
    def own(self):
        return sum(self.site.lane.encode()) % 90

    def free(self):
        fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, 100)


class PresentAndNamed(Present):
    lock_path = "{transcript}.guard[100]"


class OwnByteOnly(PresentAndNamed):
    """It keeps no other process out."""

    lock_path = "{transcript}.guard"

    def take(self):
        self.fd = os.open(self.path + ".guard", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.lockf(self.fd, fcntl.LOCK_EX, 1, self.own)
        return True

    def free(self):
        os.close(self.fd)


class NamesAnother(OwnByteOnly):
    lock_path = "{transcript}.guard[1000]"


class OneForAll(ByLink):
    """Each lock is a link to the same file."""

    def make(self):
        self.common = self.path + ".common"
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.common, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        own = f"{self.path}.{self.site.lane}"
        os.link(self.common, own)
        return own
'''

SOUND = ["ByLink", "BySymlink", "ByRename", "Both", "Downgraded", "OnTheDirectory", "OneForAll"]
BROKEN = [
    *("LinksAfterALook", "RobsAfterALook", "RenamesOver"),
    *("BothShared", "SharedByRange", "SharesTheDirectory"),
]

#: A scenario of which each lane has a process of its own.
APART = """\
about: A runner and a job take turns.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: a}
  - {role: cron, process: b, times: 2}
expect: {}
"""


def found(
    harness: Harness, folder: Path, name: str, scenario: str = "busy-lock"
) -> tuple[int, dict[str, int]]:
    fences = write_fence(folder, LOCKS)
    path = f"scenarios/{scenario}.yaml"
    ended = harness.run(path, "--fence", f"{fences}:{name}", "--json", "--no-shrink", "--schedules", "60")
    assert not ended.object["why_inconclusive"], ended
    return ended.status, ended.object["violations"]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_lock_of_this_make_is_not_accused(harness: Harness, tmp_path: Path, name: str) -> None:
    assert found(harness, tmp_path, name) == (0, {})


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_lock_of_this_make_shows_two_holders(harness: Harness, tmp_path: Path, name: str) -> None:
    status, violations = found(harness, tmp_path, name)
    assert status == 1
    assert violations["double_hold"] > 0
    assert "false_lock_error" not in violations
    # A write under a shared lock is the lock's fault; to rob a holder is a takeover as well.
    assert name != "SharedByRange" or "missed_takeover" not in violations


def test_one_exclusive_lock_of_two_is_enough(harness: Harness, tmp_path: Path) -> None:
    _, violations = found(harness, tmp_path, "BothButOneAlone")
    assert "double_hold" not in violations


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('further_locks = ("flock",)', "further_locks"),
        ('further_locks = (("hope", ""),)', "kind 'hope', expected one of sidecar"),
        ('further_locks = (("flock", "/tmp/x"),)', "path '/tmp/x', expected a file beside the transcript"),
        ('further_locks = (("sidecar", ""),)', "two of the declared locks are the same file"),
        ('lock_path = "lock"', "lock_path 'lock', expected a file beside the transcript"),
        ('lock_kind, lock_path = "flock", "{directory}/."', "{directory} for an flock on that"),
        ('lock_path = "{transcript}.lock[0]"', "a byte can be named of a record lock only"),
        ('lock_path = "{directory}"', "lock_path '{directory}': a directory can have an flock only"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(
    harness: Harness, tmp_path: Path, line: str, said: str
) -> None:
    fences = write_fence(tmp_path, f"class Mine(Fence):\n    {line}\n")
    ended = harness.run("scenarios/quickstart.yaml", "--fence", f"{fences}:Mine")
    assert ended.status == 2
    assert said in ended.err


def test_conform_asks_a_python_fence_for_its_declared_locks(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, LOCKS)
    for name in ("ByLink", "Both", "KeptExclusive"):
        ended = harness.call("conform", f"{fences}:{name}", "--json")
        checks = [json.loads(text) for text in ended.out.splitlines()]
        assert (ended.status, len(checks)) == (0, 16), ended
    body = LOCKS + '\n\nclass Elsewhere(KeptExclusive):\n    lock_path = "{transcript}.other"\n'
    elsewhere = write_fence(tmp_path, body, "elsewhere.py")
    ended = harness.call("conform", f"{elsewhere}:Elsewhere")
    assert ended.status == 1
    assert "transcript.jsonl.other (flock), which the class names, is not held" in ended.out


def ranged(harness: Harness, folder: Path, name: str) -> dict[str, Any]:
    fences = write_fence(folder, LOCKS)
    asked = ("--fence", f"{fences}:{name}", "--json", "--no-shrink", "--schedules", 30)
    return harness.run(write_scenario(folder, APART), *asked).object


def test_of_several_ranges_the_named_byte_is_the_lock(harness: Harness, tmp_path: Path) -> None:
    named = ranged(harness, tmp_path, "PresentAndNamed")
    assert (named["result"], named["violations"]) == ("pass", {})
    unnamed = ranged(harness, tmp_path, "Present")
    assert (unnamed["result"], unnamed["violations"]) == ("inconclusive", {})
    assert "several ranges of T.guard" in unnamed["why_inconclusive"]


def test_a_byte_that_no_other_process_locks_is_no_lock(harness: Harness, tmp_path: Path) -> None:
    assert ranged(harness, tmp_path, "OwnByteOnly")["violations"]["double_hold"] > 0
    assert ranged(harness, tmp_path, "NamesAnother")["result"] == "unexercised"
