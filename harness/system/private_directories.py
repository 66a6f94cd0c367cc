"""Home and temporary directory of the programs of a session, beside the session directory and no part of it.

Editors save differently below a temporary directory, and ask for a home. What programs leave there is removed
before the next schedule, and is not judged.
"""

from __future__ import annotations

import contextlib
import os
import tempfile

from harness.system.tree_removal import remove_tree

__all__ = ["PrivateDirectories"]


class PrivateDirectories:
    """The directories of one session.

    Args:
        parent: directory to make them in; None for the system's temporary one.

    Attributes:
        path: their common parent; absolute and real.
        home, temporary: the directories.

    Raises:
        OSError: they cannot be made.
    """

    def __init__(self, parent: str | None) -> None:
        self.path = os.path.realpath(tempfile.mkdtemp(prefix="harness-private-", dir=parent))
        self.home = os.path.join(self.path, "home")
        self.temporary = os.path.join(self.path, "tmp")
        self._make()

    def clear(self) -> None:
        """Remove what programs have left in them."""
        for path in (self.home, self.temporary):
            with contextlib.suppress(FileNotFoundError), os.scandir(path) as entries:
                if any(True for _ in entries):
                    remove_tree(path)
        self._make()

    def close(self) -> None:
        """Remove them."""
        remove_tree(self.path)

    def _make(self) -> None:
        for path in (self.home, self.temporary):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
