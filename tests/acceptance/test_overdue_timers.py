"""Timers of fences count real time and their sleeps virtual time: one that is overdue accuses no fence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

#: It bounds its wait for the lock by an alarm, as it may on any machine, and goes on when the wait is over.
_FENCE = """\
import os, signal, time
from fence.errors import LockTimeoutError
from fence.protocol import Fence

class Alarmed(Fence):
    about = "an alarm bounds its wait"
    seconds, cleared = {seconds}, {cleared}

    def guarded_write(self, entries):
        def give_up(*_):
            raise LockTimeoutError("held")
        signal.signal(signal.SIGALRM, give_up)
        signal.{arm}
        time.sleep(3)
        if self.cleared:
            signal.alarm(0)
        with self.lock:
            self.append(entries)
"""


@pytest.mark.parametrize("arm", ["alarm(self.seconds)", "setitimer(signal.ITIMER_REAL, self.seconds)"])
@pytest.mark.parametrize("cleared", [True, False])
@pytest.mark.parametrize(("seconds", "overdue"), [(2, True), (3600, False)])
def test_an_overdue_timer_makes_the_schedule_inconclusive(
    harness: Harness, tmp_path: Path, arm: str, seconds: int, cleared: bool, overdue: bool
) -> None:
    path = tmp_path / "alarmed.py"
    path.write_text(_FENCE.format(seconds=seconds, cleared=cleared, arm=arm))
    ended = harness.run(
        *(
            write_scenario(tmp_path),
            "--fence",
            f"{path}:Alarmed",
            "--schedules",
            2,
            "--explorers",
            1,
            "--json",
        )
    )
    assert ended.status == (3 if overdue else 0), ended
    found = ended.object
    assert found["violations"] == {}
    assert ("a timer (alarm, setitimer) is overdue" in (found["why_inconclusive"] or "")) is overdue


#: An adapter that lives until its alarm really comes, after it has written: that is no crash of its own.
_ADAPTER = """\
import signal, sys, time
sys.path.insert(0, {root!r})
from tests.fence.external import adapters

class Alarmed(adapters.Adapter):
    def guarded_write(self, request):
        signal.alarm(1)
        time.sleep(5)
        return super().guarded_write(request)

adapters.Adapter = Alarmed
adapters.main("none", "")
"""


def test_an_overdue_timer_of_an_adapter_makes_the_schedule_inconclusive(
    harness: Harness, tmp_path: Path
) -> None:
    path = tmp_path / "alarmed.py"
    path.write_text(_ADAPTER.format(root=str(Path(__file__).parents[2])))
    fence = f"exec:{sys.executable} {path}"
    ended = harness.run(write_scenario(tmp_path), "--fence", fence, "--schedules", 2, "--json")
    assert ended.status == 3 and ended.object["violations"] == {}, ended
    assert "is overdue" in ended.object["why_inconclusive"]
