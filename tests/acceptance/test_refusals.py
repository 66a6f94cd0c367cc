"""A fence that dies of an answer by the harness itself has not crashed; the reason says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

OUTSIDE = "/var/tmp/harness-test-is-never-made"

FENCES = f"""\
import contextlib, errno, multiprocessing, subprocess
from fence.ledger import LedgerFence

OUTSIDE = {OUTSIDE!r}


class Pools(LedgerFence):
    def guarded_write(self, entries):
        with multiprocessing.Pool(2) as pool:
            pool.map(len, entries)
        super().guarded_write(entries)


class Wraps(LedgerFence):
    def guarded_write(self, entries):
        try:
            open(OUTSIDE, "w")
        except OSError:
            raise RuntimeError("no side file") from None


class WritesOutside(LedgerFence):
    def guarded_write(self, entries):
        open(OUTSIDE, "w").close()


class InAChild(LedgerFence):
    def guarded_write(self, entries):
        code = f"open({{OUTSIDE!r}}, 'w')"
        subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, stderr=subprocess.DEVNULL)
        super().guarded_write(entries)


class WritesMuch(LedgerFence):
    def guarded_write(self, entries):
        words = ("dd", "if=/dev/zero", f"of={{self.path}}.big", "bs=1M", "count=9")
        subprocess.run(words, check=True, stderr=subprocess.DEVNULL)


class Exits(LedgerFence):
    def guarded_write(self, entries):
        try:
            open(OUTSIDE, "w")
        except OSError:
            os._exit(7)


class Rings(LedgerFence):
    def guarded_write(self, entries):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syscall(425, 8, 0) < 0:
            raise OSError(ctypes.get_errno(), "no ring")


class PutsUpWithIt(LedgerFence):
    def guarded_write(self, entries):
        with contextlib.suppress(OSError):
            open(OUTSIDE, "w")
        super().guarded_write(entries)


class PutsUpWithItAndBreaks(LedgerFence):
    def guarded_write(self, entries):
        with contextlib.suppress(OSError):
            open(OUTSIDE, "w")
        super().guarded_write(entries)
        raise KeyError("of its own")


class BreaksWithTheSameWord(LedgerFence):
    def guarded_write(self, entries):
        raise OSError(errno.EROFS, "of its own")
"""


@pytest.fixture
def run(harness: Harness, tmp_path: Path) -> Callable[..., Ended]:
    def _run(name: str, *more: object) -> Ended:
        fence = f"{write_fence(tmp_path, FENCES)}:{name}"
        arguments = ("--fence", fence, "--schedules", 3, "--strategy", "random", "--no-shrink", "--json")
        return harness.run(write_scenario(tmp_path), *arguments, *more)

    return _run


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Pools", ("process gateway", "/dev/shm/", "EROFS", "session directory", "then:")),
        ("Wraps", (OUTSIDE, "EROFS", "RuntimeError: no side file")),
        ("InAChild", (OUTSIDE, "EROFS", "CalledProcessError")),
        ("WritesMuch", ("process gateway", "a file has at most 8 MiB here", "let the fence write less")),
        ("Exits", (OUTSIDE, "EROFS", "the process ended with status 7")),
        ("Rings", ("ENOSYS", "do without them", "no ring")),
    ],
)
def test_a_fence_that_dies_of_a_refusal_is_inconclusive_and_told_why(
    run: Callable[..., Ended], name: str, words: tuple[str, ...]
) -> None:
    ended = run(name)
    assert (ended.status, ended.object["violations"]) == (3, {}), ended
    assert ended.object["inconclusive"] == 3
    for word in words:
        assert word in ended.object["why_inconclusive"]
    assert not Path(OUTSIDE).exists()


def test_a_fence_that_puts_up_with_a_refusal_passes(run: Callable[..., Ended]) -> None:
    ended = run("PutsUpWithIt")
    assert (ended.status, ended.object["violations"]) == (0, {}), ended


@pytest.mark.parametrize("name", ["PutsUpWithItAndBreaks", "BreaksWithTheSameWord"])
def test_a_fence_that_breaks_of_something_else_has_crashed(run: Callable[..., Ended], name: str) -> None:
    """A refusal is an excuse for what follows from it, and for nothing else."""
    ended = run(name)
    assert (ended.status, ended.object["inconclusive"]) == (1, 0), ended
    assert ended.object["violations"] == {"crash": 3}


@pytest.mark.requires("landlock")
def test_the_free_gate_excuses_an_error_of_the_kernel_s_refusal(run: Callable[..., Ended]) -> None:
    """It has no supervisor that would have given the answer."""
    ended = run("WritesOutside", "--gate", "free")
    assert (ended.status, ended.object["violations"]) == (3, {}), ended
    assert "outside of the session directory with E" in ended.object["why_inconclusive"]
    ended = run("BreaksWithTheSameWord", "--gate", "free")
    assert ended.object["violations"] == {"crash": 3}, ended
