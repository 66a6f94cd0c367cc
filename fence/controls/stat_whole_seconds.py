"""Define a control: times are compared in whole seconds."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fence.controls.control import Control
from fence.stat_2026_5_17 import Fingerprint, StatFence

__all__ = ["StatWholeSeconds"]

_SECOND_NS = 1_000_000_000


def _cut(fingerprint: Fingerprint) -> Fingerprint:
    return dataclasses.replace(
        fingerprint,
        mtime_ns=fingerprint.mtime_ns // _SECOND_NS,
        ctime_ns=fingerprint.ctime_ns // _SECOND_NS,
    )


class StatWholeSeconds(Control, StatFence):
    """Truncates time stamps to seconds.

    Comparing two results of `os.stat` with ``==`` does the same.
    """

    about: ClassVar[str] = "control: times are compared in whole seconds"
    defect: ClassVar[str] = "times are compared in whole seconds"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-prefix-hash"
    original: ClassVar[str] = "stat-2026.5.17"

    def _differs(self, baseline: Fingerprint, now: Fingerprint) -> None:
        if _cut(baseline) != _cut(now):
            super()._differs(baseline, now)
