"""Home and temporary directory of the programs of a session, beside the session directory and no part of it.

Editors save differently below a temporary directory, and ask for a home. Files that programs leave
there are removed before the next schedule, and are not judged.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from harness.system.tree_removal import remove_tree

__all__ = ["PrivateDirectories"]

_MODE = 0o700
_NEW = stat.S_IFDIR | _MODE


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
        self._both = self.home, self.temporary
        try:
            self._make()
        except OSError:
            remove_tree(self.path)
            raise

    def clear(self) -> None:
        """Make them anew where programs have left, changed or replaced anything."""
        if self._untouched():
            return
        os.chmod(self.path, _MODE)
        for name in os.listdir(self.path):
            path = os.path.join(self.path, name)
            if stat.S_ISDIR(os.lstat(path).st_mode):
                remove_tree(path)
            else:
                os.unlink(path)
        self._make()

    def close(self) -> None:
        """Remove them."""
        remove_tree(self.path)

    def _make(self) -> None:
        for path in self._both:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, _MODE)

    def _untouched(self) -> bool:
        """Return whether both are there, empty, and nothing else is."""
        try:
            if len(os.listdir(self.path)) > len(self._both):
                return False
            return all(os.lstat(path).st_mode == _NEW and not os.listdir(path) for path in self._both)
        except OSError:
            return False
