"""Implement issue #84071, second remedy: a way to clear the sticky verdict."""

from __future__ import annotations

from typing import ClassVar

from fence.stat_2026_5_17 import StatFence

__all__ = ["Issue84071bFence"]


class Issue84071bFence(StatFence):
    """Refuses like the stat fingerprint, but can take a new one and go on.

    Source: OpenClaw issue #84071, expected behaviour (b). It reports as many false positives as the
    stat fingerprint, but not for the rest of the turn, and it misses the same takeovers. `recover`
    accepts all earlier changes, including a rogue's.
    """

    about: ClassVar[str] = "stat fingerprint with a way to recover, issue #84071 (b)"

    def recover(self) -> bool:
        """Take a new fingerprint under the lock and clear the verdict."""
        if self.lock.held:
            self._remember()
        else:
            self._take_lock()
            try:
                self._remember()
            except BaseException:
                self.lock.release_if_held()
                raise
            self.lock.release()
        self._verdict = ""
        return True
