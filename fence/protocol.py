"""Define the interface of a fence, and the limits of its promise.

A fence stands between the lanes that write one transcript. Each lane has a *handle*: an instance of the
fence's class, made anew for every schedule. A runner calls, turn by turn::

    begin_turn()                take the write lock
    load()                      read the transcript: from here on the lane knows it
    append(entries) ...         the lock is still held
    release_for_prompt()        release the lock while the model thinks
    guarded_write(entries) ...  take the lock, decide, append, release it
    recover()                   after a takeover: accept the current content, if supported
    end_turn()                  clean up, in every case

Any other participant writes with ``acquire``, ``append`` or ``rewrite``, ``release``. A rogue calls
nothing: it writes to the file.

A decision is a return of `guarded_write`, or a `TakeoverError` from any call of a turn.
`LockTimeoutError` and `StaleLockError` are no verdict: the call failed and says nothing about the
transcript. Neither is an `OSError` of a file call, such as a full disk or a bad sector, which the call
passes on: the runner may go on with its turn, and everything written so far is its own. Every other
exception is a crash.

A fence promises nothing about a write after its last look, and no scheme of this kind can. It may keep
state on the handle, in ``site.process`` (shared by all lanes of one process, empty for each schedule) and
in files beside the transcript. Processes outlive schedules: state in modules must not carry information
from one schedule to another. A fence does not import the harness.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from fence.errors import FenceError, LockTimeoutError, StaleLockError, TakeoverError
from fence.locks import Lock, LockFile, make_lock
from fence.transcript import append_lines, read_all, rewrite_by_rename, rewrite_in_place

__all__ = [
    "Fence",
    "FenceError",
    "LockTimeoutError",
    "Site",
    "StaleLockError",
    "TakeoverError",
]


@dataclasses.dataclass(frozen=True)
class Site:
    """The place and the settings of a handle.

    Args:
        transcript: absolute path of the JSONL file.
        lane: name of the lane, unique in the schedule.
        process: shared by all handles of one process, empty at a schedule's start.
        options: options from the scenario for the fence and its lock.
    """

    transcript: str
    lane: str
    process: dict[str, Any]
    options: dict[str, int | str | bool]


class Fence:
    """Base of all fences: a write lock, plain appends and no check at all.

    A subclass overrides the calls that it changes. The base behaves as a runtime without a fence:
    each write is made under the lock, and all changes in between are accepted.

    Attributes:
        about: one line for ``list fences``.
        sound_under: policies under which the fence claims to be right.
        lock_kind: a name of `fence.locks.KINDS`; the harness observes this lock.
        lock_path: pattern of its file, where that is not the kind's own: ``{transcript}.lock``,
            ``{directory}/.lock``, ``{transcript}`` for a lock on the transcript itself, or
            ``{directory}`` for an flock on its directory. A declaration for the harness: a fence that uses
            `lock` takes the kind's own file.
        further_locks: locks that a writer holds as well, each a kind and the pattern of its file. A lane has
            the write lock while it has all of them.
        waits_in_real_time: whether calls may wait for the lock by the machine's clock, of which virtual time
            knows nothing. How long a call waited is then not judged.
    """

    about: ClassVar[str] = ""
    sound_under: ClassVar[tuple[str, ...]] = ()
    lock_kind: ClassVar[str] = "sidecar"
    lock_path: ClassVar[str] = ""
    further_locks: ClassVar[tuple[tuple[str, str], ...]] = ()
    waits_in_real_time: ClassVar[bool] = False

    def __init__(self, site: Site) -> None:
        self.site = site
        self.path = site.transcript
        self.lock: Lock = make_lock(self.lock_kind, site.transcript, site.options, site.process)

    @classmethod
    def declared_locks(cls) -> tuple[LockFile, ...]:
        """Return the locks that a lane has to hold when it writes; the harness observes them."""
        return (LockFile(cls.lock_kind, cls.lock_path), *(LockFile(*lock) for lock in cls.further_locks))

    # A runner's turn

    def begin_turn(self) -> None:
        """Take the write lock for the start of the turn.

        Raises:
            LockTimeoutError: another handle holds it.
        """
        self.lock.acquire()

    def load(self) -> bytes:
        """Read the transcript under the lock; the result is the content that the runner knows."""
        return read_all(self.path)

    def append(self, entries: Sequence[bytes]) -> None:
        """Append whole lines, each with its newline; the lock is held."""
        append_lines(self.path, entries)

    def release_for_prompt(self) -> None:
        """Release the lock while the model thinks."""
        self.lock.release()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Take the lock, decide, append, release the lock.

        Raises:
            TakeoverError: the transcript was taken over; nothing was appended.
            LockTimeoutError: no decision was reached.
        """
        with self.lock:
            append_lines(self.path, entries)

    def recover(self) -> bool:
        """Accept the current content after a takeover, and go on.

        Returns:
            Whether the fence supports this. True opens a new window.
        """
        return False

    def end_turn(self) -> None:
        """Clean up; must not raise because of a takeover that was reported before."""
        self.lock.release_if_held()

    # Any other participant

    def acquire(self) -> None:
        """Take the write lock.

        Raises:
            LockTimeoutError: another handle holds it.
        """
        self.lock.acquire()

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Replace the whole transcript by `lines`; the lock is held.

        Args:
            lines: all lines, each with its newline.
            how: ``in_place`` (same file) or ``rename`` (a new file over the path).
        """
        if how == "rename":
            rewrite_by_rename(self.path, lines)
        else:
            rewrite_in_place(self.path, lines)

    def release(self) -> None:
        """Release the write lock.

        Raises:
            StaleLockError: it had been reclaimed in the meantime.
        """
        self.lock.release()
