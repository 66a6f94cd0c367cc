"""A run on Dask workers is the run of one machine, also when a worker dies in the middle."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.acceptance.harness_process import (
    ROGUE,
    Harness,
    Running,
    command_line,
    eventually,
    write_fence,
    write_scenario,
)
from tests.acceptance.test_shards import figures, witnesses

pytestmark = pytest.mark.requires("kernel-gate")

# It waits in schedule after schedule for as long as the file beside it exists.
FENCE = """
FLAG = os.path.join(os.path.dirname(__file__), "wait")


class Waits(Fence):
    def guarded_write(self, entries):
        if os.path.exists(FLAG):
            ctypes.CDLL(None).prctl(15, b"waiting")
        while os.path.exists(FLAG):
            pass
        super().guarded_write(entries)
"""


def dask_workers(running: Running) -> list[psutil.Process]:
    return [one for one in running.family() if "dask_worker import main" in command_line(one)]


def waiting(running: Running) -> int:
    found = 0
    for one in running.family():
        try:
            found += one.name() == "waiting"
        except psutil.Error:
            continue
    return found


def test_a_worker_that_is_killed_in_a_slice_loses_nothing_and_doubles_nothing(
    harness: Harness, tmp_path: Path
) -> None:
    fence = f"{write_fence(tmp_path, FENCE)}:Waits"
    scenario = write_scenario(tmp_path, ROGUE)
    asked = (scenario, "--fence", fence, "--schedules", 40, "--no-shrink", "--json")
    whole = harness.run(*asked)
    flag = tmp_path / "wait"
    flag.touch()
    out = tmp_path / "cluster"
    with harness.start_run(*asked, "--cluster", "local:2", "--out", out) as running:
        eventually(lambda: waiting(running) >= 2 or running.process.poll() is not None)
        assert running.process.poll() is None, running.end()
        killed, _ = dask_workers(running)
        killed.kill()
        flag.unlink()
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == whole.status == 1, ended
    assert [figures(line) for line in ended.objects] == [figures(line) for line in whole.objects]
    assert len(ended.object["ran"]) == 1
    assert witnesses(out) == witnesses(harness.out) != {}
