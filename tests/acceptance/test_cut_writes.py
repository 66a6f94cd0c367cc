"""Writes that are cut short: a fence that writes the rest loses nothing, one that looks at no count does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import ROOT, Harness, write_fence

pytestmark = pytest.mark.requires("kernel-gate")

CUT = ROOT / "scenarios" / "line-in-two-writes.yaml"
NEW_FILE = ROOT / "scenarios" / "new-file-cut-short.yaml"
#: The second takes it for granted that a write writes everything.
FENCE = '''\


class WritesTheRest(Fence):
    """Appends by the calls of `fence.transcript`."""

    about = "no check"


class WritesOnce(Fence):
    """Appends by one write and ignores its result."""

    about = "one write"

    def append(self, entries):
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"".join(entries))
        os.close(fd)

    def guarded_write(self, entries):
        with self.lock:
            self.append(entries)


class RenamesOnce(Fence):
    """Fills a new file by one write and ignores its result."""

    about = "one write to a new file"

    def rewrite(self, lines, how):
        fd = os.open(f"{self.path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, b"".join(lines))
        os.close(fd)
        os.rename(f"{self.path}.new", self.path)
'''


def test_a_fence_has_to_write_the_rest_of_a_line(harness: Harness, tmp_path: Path) -> None:
    fence = write_fence(tmp_path, "import os\n" + FENCE)
    asked = ("--no-shrink", "--json", "--schedules", 30)
    sound = harness.run(CUT, "--fence", f"{fence}:WritesTheRest", *asked)
    assert (sound.status, sound.object["violations"]) == (0, {}), sound
    broken = harness.run(CUT, "--fence", f"{fence}:WritesOnce", *asked)
    assert "lost_entry" in broken.object["violations"], broken


def test_a_new_file_that_is_cut_short_loses_lines_where_no_count_is_looked_at(
    harness: Harness, tmp_path: Path
) -> None:
    fence = write_fence(tmp_path, "import os\n" + FENCE)
    asked = ("--no-shrink", "--json", "--schedules", 20)
    sound = harness.run(NEW_FILE, "--fence", f"{fence}:WritesTheRest", *asked)
    assert (sound.status, sound.object["violations"]) == (0, {}), sound
    broken = harness.run(NEW_FILE, "--fence", f"{fence}:RenamesOnce", *asked)
    assert "lost_entry" in broken.object["violations"], broken
