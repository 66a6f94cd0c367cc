"""Implement issue #84071, first remedy: co-tenants refresh the fingerprint under the lock."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import ClassVar

from fence.stat_2026_5_17 import Fingerprint, StatFence
from fence.transcript import read_all, write_all

__all__ = ["Issue84071aFence"]


class Issue84071aFence(StatFence):
    """Compares with the fingerprint that the last holder of the lock wrote.

    Source: OpenClaw issue #84071, expected behaviour (a). The fingerprint is in
    ``<transcript>.fingerprint``, so that co-tenants of any process can refresh it before they
    release the lock; the runner reads it again under the lock.

    It does not catch a rogue's write that is followed by a co-tenant's: the co-tenant refreshes
    without a check and so launders it. Otherwise it behaves as the stat fingerprint.
    """

    about: ClassVar[str] = "stat fingerprint that co-tenants refresh under the lock, issue #84071 (a)"

    def release(self) -> None:
        """Refresh the shared fingerprint, then release the lock as a co-tenant."""
        if self.lock.held:
            self._publish(Fingerprint.of(self.path))
        super().release()

    def _remember(self) -> None:
        now = Fingerprint.of(self.path)
        self._baseline = now
        self._publish(now)

    def _check(self) -> None:
        if self._baseline is not None:
            self._baseline = self._published() or self._baseline
        super()._check()

    def _publish(self, fingerprint: Fingerprint) -> None:
        fd = os.open(self._shared, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, json.dumps(dataclasses.astuple(fingerprint)).encode())
        finally:
            os.close(fd)

    def _published(self) -> Fingerprint | None:
        # Empty or torn if its writer died: then the own baseline has to do.
        try:
            return Fingerprint(*json.loads(read_all(self._shared)))
        except (ValueError, TypeError):
            return None

    @property
    def _shared(self) -> str:
        return f"{self.path}.fingerprint"
