"""A fence that imports modules without a file while it works."""

from __future__ import annotations

from tests.harness.gates.kernel.words import Words

__all__ = ["Importing"]


class Importing(Words):
    def built_in(self) -> str:
        import _thread

        return _thread.__spec__.origin or ""

    def frozen(self) -> str:
        import zipimport

        return zipimport.__spec__.origin or ""
