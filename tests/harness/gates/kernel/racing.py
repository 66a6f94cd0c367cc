"""A fence whose words are single steps: the letters of a race of which the chance is known."""

from __future__ import annotations

import os

from tests.harness.gates.kernel.words import Words

__all__ = ["Racing"]


class Racing(Words):
    """Each word makes one call, and tells the size that it saw or made."""

    about = "one step a word"

    def look(self) -> str:
        """Look at the transcript."""
        self._size = os.stat(self.path).st_size
        return str(self._size)

    def grow(self) -> str:
        """Write one byte more than was there at the last look, or than the last time."""
        self._size = getattr(self, "_size", 0) + 1
        os.truncate(self.path, self._size)
        return str(self._size)

    def own(self) -> None:
        """Look at a file that no other lane looks at; there is none."""
        try:
            os.stat(f"{self.path}.{self.site.lane}")
        except FileNotFoundError:
            return
