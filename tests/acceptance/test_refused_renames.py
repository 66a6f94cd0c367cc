"""A rename that is refused: fallbacks that lose entries are told, those that do it right are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import ROOT, Harness, write_fence

pytestmark = pytest.mark.requires("kernel-gate")

FENCES = """\
import errno
from fence.protocol import Fence
from fence.transcript import rewrite_in_place, write_all

IN_USE = (errno.EPERM, errno.EACCES, errno.EBUSY)


class MovesBack(Fence):
    '''Moves the old file aside and renames again; a second refusal brings it back. Copies to another disk.'''

    def rewrite(self, lines, how):
        new, old = self.path + ".new", self.path + ".old"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        write_all(fd, b"".join(lines))
        os.close(fd)
        try:
            os.rename(new, self.path)
        except OSError as error:
            if error.errno == errno.EXDEV:
                rewrite_in_place(self.path, lines)
            elif error.errno in IN_USE:
                self.make_room(new, old)
            else:
                raise

    def make_room(self, new, old):
        os.rename(self.path, old)
        try:
            os.rename(new, self.path)
        except OSError:
            self.move_back(old)
            raise

    def move_back(self, old):
        for _ in range(9):
            try:
                os.rename(old, self.path)
                return
            except OSError:
                time.sleep(0.1)


class MovesBackOnce(MovesBack):
    '''The move back may be refused, too.'''

    def move_back(self, old):
        os.rename(old, self.path)


class SaysNothing(Fence):
    '''Takes a refusal for a nuisance.'''

    def rewrite(self, lines, how):
        try:
            super().rewrite(lines, how)
        except OSError:
            pass


class Wraps(Fence):
    '''Has an exception of its own for it, which the protocol does not know.'''

    def rewrite(self, lines, how):
        try:
            super().rewrite(lines, how)
        except OSError as error:
            raise RuntimeError("refused") from error
"""

THIRD = "  - {lane: compactor, operations: [rewrite], call: rename, error: EPERM, nth: 4}\n"


@pytest.mark.parametrize(
    ("name", "status", "kinds"),
    [
        ("MovesBack", 0, set()),
        ("MovesBackOnce", 1, {"lost_entry"}),
        ("SaysNothing", 1, {"lost_entry"}),
        ("Wraps", 1, {"crash"}),
    ],
)
def test_a_fallback_is_judged_by_its_losses(tmp_path: Path, name: str, status: int, kinds: set[str]) -> None:
    harness, scenario = Harness(tmp_path), tmp_path / "refused.yaml"
    shipped = (ROOT / "scenarios" / "rename-refused.yaml").read_text().partition("expect:")[0]
    scenario.write_text(shipped + THIRD + "expect: {}\n")
    fence = f"{write_fence(tmp_path, FENCES)}:{name}"
    command = (scenario, "--fence", fence, "--schedules", 200, "--no-shrink", "--json")
    ended = harness.run(*command)
    assert (ended.status, set(ended.object["violations"])) == (status, kinds), ended
    assert ended.object["inconclusive"] == 0
    # The same seed says the same.
    assert ended.object["violations"] == harness.run(*command).object["violations"]


def test_a_lock_call_that_is_not_supported_is_handed_on(tmp_path: Path) -> None:
    harness, scenario = Harness(tmp_path), tmp_path / "no-locks.yaml"
    scenario.write_text(
        "about: A mount without locks.\nsource: our own\npolicy: coordinated\n"
        "lanes:\n  - {role: runner, process: a, rounds: 2}\n  - {role: cron, process: b, times: 2}\n"
        "faults:\n"
        "  - {lane: cron, operations: [acquire], call: flock, error: ENOLCK}\n"
        "  - {lane: runner, operations: [guarded_write], call: flock, error: ENOTSUP}\n"
        "expect: {}\n"
    )
    body = 'from fence.ledger import LedgerFence\n\n\nclass Flocks(LedgerFence):\n    lock_kind = "flock"\n'
    fence = f"{write_fence(tmp_path, body)}:Flocks"
    ended = harness.run(scenario, "--fence", fence, "--schedules", 60, "--no-shrink", "--json")
    assert (ended.status, ended.object["violations"]) == (0, {}), ended


def test_an_error_that_the_call_cannot_give_is_refused_with_those_it_can(tmp_path: Path) -> None:
    scenario = tmp_path / "wrong.yaml"
    text = (ROOT / "scenarios" / "rename-refused.yaml").read_text().replace("error: EXDEV", "error: EMFILE")
    scenario.write_text(text)
    ended = Harness(tmp_path).run(scenario)
    assert ended.status == 2
    assert (
        "faults[4].error: no rename fails with EMFILE; choose one of those that it can give: EACCES"
        in ended.err
    )
