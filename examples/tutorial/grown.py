"""Define a first, insufficient repair of issue 84071: it accepts every append."""

from __future__ import annotations

from collections.abc import Sequence

from fence.protocol import Fence, TakeoverError
from fence.transcript import append_lines, read_all


class Grown(Fence):
    """Refuses if the bytes that it knows are no longer the beginning of the transcript."""

    about = "the bytes at the release must still be the beginning of the transcript"

    def begin_turn(self) -> None:
        """Take the lock and forget the last turn's verdict."""
        super().begin_turn()
        self.taken_over = False

    def release_for_prompt(self) -> None:
        """Remember the content and release the lock."""
        self.known = read_all(self.path)
        super().release_for_prompt()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Append the reply, unless the known bytes have changed."""
        if self.taken_over:
            raise TakeoverError("reported before")
        with self.lock:
            if not read_all(self.path).startswith(self.known):
                self.taken_over = True
                raise TakeoverError("other bytes than before")
            append_lines(self.path, entries)
            self.known = read_all(self.path)
