"""A first repair of issue 84071, and not a good one: whoever only appends is let through."""

from __future__ import annotations

from collections.abc import Sequence

from fence.protocol import Fence, TakeoverError
from fence.transcript import append_lines, read_all


class Grown(Fence):
    """Refuses when the bytes that it knows are not the beginning of the transcript any more."""

    about = "the bytes at the release must still be the beginning of the transcript"

    def begin_turn(self) -> None:
        """Take the lock; nothing is known of anybody else yet."""
        super().begin_turn()
        self.taken_over = False

    def release_for_prompt(self) -> None:
        """Remember what is there and let the lock go."""
        self.known = read_all(self.path)
        super().release_for_prompt()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Append the reply, unless something of what was there has changed."""
        if self.taken_over:
            raise TakeoverError("reported before")
        with self.lock:
            if not read_all(self.path).startswith(self.known):
                self.taken_over = True
                raise TakeoverError("other bytes than before")
            append_lines(self.path, entries)
            self.known = read_all(self.path)
