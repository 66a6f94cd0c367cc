"""Issue #84071, second remedy: a way out of the sticky verdict."""

from __future__ import annotations

from typing import ClassVar

from fence.stat_2026_5_17 import StatFence

__all__ = ["Issue84071bFence"]


class Issue84071bFence(StatFence):
    """Refuses like the stat fingerprint, but can take a new one and go on.

    Source: OpenClaw issue #84071, expected behaviour (b). It cries wolf as often as
    the stat fingerprint, only not for ever, and it does not catch what that one does
    not; what came before `recover` is taken in, whoever wrote it.
    """

    about: ClassVar[str] = "stat fingerprint with a way to recover, issue #84071 (b)"

    def recover(self) -> bool:
        """Take a new fingerprint under the lock and lift the verdict."""
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
        self._taken = ""
        return True
