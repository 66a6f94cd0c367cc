"""One long run, watched: the memory of its processes, its rate, and the cost of a kill.

Belongs to `tests.stress`. It watches the real command line; its progress is read
from the progress that it keeps.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from typing import Any, NamedTuple

import msgspec
import psutil

from harness.results.search_progress import Progress

__all__ = ["Ended", "Sample", "grown", "run", "scaled"]

SCENARIO, FENCE = "scenarios/quickstart.yaml", "ledger"
#: The allowed growth from a quarter of the way to the end: the rest of the tables of seen things.
_SHARE_MAX, _BYTES_MAX = 0.10, 16 << 20
_EVERY_S = 1.0


class Sample(NamedTuple):
    """Resident bytes after so many schedules, of the harness itself and of all that it started."""

    schedules: int
    harness: int
    others: int


class Ended(NamedTuple):
    """A run that is over: its JSON object, or None where it was killed, and the samples until then."""

    summary: dict[str, Any] | None
    samples: list[Sample]

    @property
    def rate(self) -> float:
        """Schedules a second."""
        assert self.summary is not None
        return float(self.summary["schedules"] / self.summary["wall_s"])


def run(out: str, schedules: int, explorers: int, kill_at: int = 0, resume: bool = False) -> Ended:
    """Run, watch, and kill if that is wanted.

    Args:
        out: folder of the run.
        schedules: how many.
        explorers: how many.
        kill_at: schedules after which it is killed with SIGKILL; 0 for never.
        resume: whether to go on in the folder.
    """
    what = ["--resume", out] if resume else [SCENARIO, "--fence", FENCE, "--schedules", str(schedules)]
    what += [] if resume else ["--out", out]
    command = [sys.executable, "-m", "harness", "run", *what, "--explorers", str(explorers), "--json"]
    samples: list[Sample] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        while running.poll() is None:
            with contextlib.suppress(psutil.Error, OSError, msgspec.DecodeError, ValueError):
                samples.append(_sample(running.pid, out))
            if kill_at and samples and samples[-1].schedules >= kill_at:
                running.kill()
            time.sleep(_EVERY_S)
        assert running.stdout is not None
        told = running.stdout.read()
    return Ended(json.loads(told) if told else None, samples)


def _sample(pid: int, out: str) -> Sample:
    with open(os.path.join(out, "progress", "0.msgpack"), "rb") as file:
        done = msgspec.msgpack.decode(file.read(), type=Progress).stats.schedules
    harness = psutil.Process(pid)
    others = sum(_rss(one) for one in harness.children(recursive=True))
    return Sample(done, _rss(harness), others)


def _rss(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def grown(samples: list[Sample], schedules: int) -> str:
    """Say which memory grew more than it may from a quarter of the way to the end; empty for none."""
    quarter = [one for one in samples if schedules / 4 <= one.schedules <= schedules * 0.4]
    end = [one for one in samples if one.schedules >= schedules * 0.9]
    if not quarter or not end:
        return f"not watched: {len(samples)} samples"
    for name in ("harness", "others"):
        before = max(getattr(one, name) for one in quarter)
        after = max(getattr(one, name) for one in end)
        if after > before * (1 + _SHARE_MAX) + _BYTES_MAX:
            return f"{name} had {before >> 20} MiB at a quarter of the way and {after >> 20} at the end"
    return ""


def scaled(two: Ended, ones: list[Ended]) -> float:
    """How many times the rate of one explorer two have."""
    return two.rate / (sum(one.rate for one in ones) / len(ones))
