"""The fence was changed since: a replay says where it differs, and whether the violation is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

SCENARIO = """\
about: A heartbeat appends under the lock while the runner waits for its model, twice.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 2, rounds: 2}
  - {role: heartbeat, process: other, delay_steps: [20, 30]}
schedules: 40
expect: {}
"""

FENCES = """\
from fence.stat_2026_5_17 import Fingerprint, StatFence


class Original(StatFence):
    pass


class LooksTwice(StatFence):
    def _check(self):
        os.stat(self.path)
        super()._check()


class LooksBeforeTheLock(StatFence):
    def _take_lock(self):
        os.stat(self.path)
        super()._take_lock()


class LooksOnceLess(StatFence):
    def release_for_prompt(self):
        self.lock.release()


class Fixed(StatFence):
    def _check(self):
        now = Fingerprint.of(self.path)
        if self.site.process.get("known") not in (None, now) and self._baseline != now:
            size = self._baseline.size
            if now.ino != self._baseline.ino or now.size < size:
                self._differs(self._baseline, now)


class RefusesAtOnce(StatFence):
    def _check(self):
        self._differs(Fingerprint(), Fingerprint(dev=1))
"""


@pytest.fixture
def recorded(harness: Harness, tmp_path: Path) -> tuple[Path, Path]:
    """A witness of the first fence, whole, and the file that it comes from."""
    fences = write_fence(tmp_path, FENCES)
    ended = harness.run(
        write_scenario(tmp_path, SCENARIO),
        *("--fence", f"{fences}:Original", "--seed", 3, "--no-shrink", "--strategy", "pct:2"),
    )
    assert ended.status == 1, ended
    (witness,) = harness.witnesses()
    return witness, fences


def replay(harness: Harness, recorded: tuple[Path, Path], name: str, *more: object) -> Ended:
    witness, fences = recorded
    return harness.call(
        "replay", witness, "--fence", f"{fences}:{name}", "--session-root", harness.session_root, *more
    )


@pytest.mark.parametrize(
    ("name", "operation", "expected", "found"),
    [
        ("LooksTwice", "guarded_write", "openat T", "newfstatat T"),
        ("LooksBeforeTheLock", "begin_turn", "openat T.lock", "newfstatat T"),
    ],
)
def test_with_a_look_more_the_violation_still_shows_as_recorded(
    harness: Harness, recorded: tuple[Path, Path], name: str, operation: str, expected: str, found: str
) -> None:
    ended = replay(harness, recorded, name, "--json")
    told = ended.object
    assert (ended.status, told["violation"], told["shows"]) == (0, True, "as recorded")
    assert told["same_history"] is False
    difference = told["difference"]
    assert (difference["lane"], difference["operation"]) == ("runner", operation)
    assert (difference["expected"], difference["found"]) == (expected, found)
    # Every recorded step still exists.
    assert told["followed"] == told["recorded"]


def test_a_replay_with_one_look_less_names_the_lost_step(
    harness: Harness, recorded: tuple[Path, Path]
) -> None:
    told = replay(harness, recorded, "LooksOnceLess", "--json").object
    assert (told["violation"], told["shows"]) == (True, "as recorded")
    difference = told["difference"]
    assert (difference["operation"], difference["ordinal"]) == ("release_for_prompt", 0)
    assert (difference["expected"], difference["found"]) == ("newfstatat T", "openat T.lock")
    assert told["followed"] == told["recorded"] - 1


def test_with_a_fence_that_is_mended_it_is_gone(harness: Harness, recorded: tuple[Path, Path]) -> None:
    ended = replay(harness, recorded, "Fixed", "--json")
    told = ended.object
    assert (ended.status, told["violation"], told["shows"]) == (1, False, "no")
    assert told["asked"] > 0
    assert told["difference"]["operation"] == "guarded_write"
    text = replay(harness, recorded, "Fixed")
    assert text.status == 1
    assert "no false positive any more with" in text.out
    assert "differs from the record: step " in text.out
    assert " recorded steps" in text.out


def test_in_another_operation_it_shows_elsewhere(harness: Harness, recorded: tuple[Path, Path]) -> None:
    ended = replay(harness, recorded, "RefusesAtOnce", "--json")
    told = ended.object
    assert (ended.status, told["violation"], told["shows"]) == (0, True, "elsewhere")
    assert told["same_step"] is False
    text = replay(harness, recorded, "RefusesAtOnce")
    assert "it shows elsewhere than recorded" in text.out
