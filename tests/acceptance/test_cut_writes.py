"""Writes that are cut short: a fence that writes the rest loses nothing, one that looks at no count does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import ROOT, Harness, write_fence

pytestmark = pytest.mark.requires("kernel-gate")

CUT = ROOT / "scenarios" / "line-in-two-writes.yaml"
#: The second takes it for granted that a write writes everything.
FENCE = '''\


class WritesTheRest(Fence):
    """Appends by the calls of `fence.transcript`."""

    about = "no check"


class WritesOnce(Fence):
    """Appends by one write, whatever that returns."""

    about = "one write"

    def append(self, entries):
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"".join(entries))
        os.close(fd)

    def guarded_write(self, entries):
        with self.lock:
            self.append(entries)
'''


def test_a_fence_has_to_write_the_rest_of_a_line(harness: Harness, tmp_path: Path) -> None:
    fence = write_fence(tmp_path, "import os\n" + FENCE)
    asked = ("--no-shrink", "--json", "--schedules", 30)
    sound = harness.run(CUT, "--fence", f"{fence}:WritesTheRest", *asked)
    assert (sound.status, sound.object["violations"]) == (0, {}), sound
    broken = harness.run(CUT, "--fence", f"{fence}:WritesOnce", *asked)
    assert "lost_entry" in broken.object["violations"], broken
