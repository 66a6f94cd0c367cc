"""Define the interface of a write lock; the kinds are in the neighbouring files."""

from __future__ import annotations

import abc
import time
from types import TracebackType
from typing import Self

from fence.errors import LockTimeoutError

__all__ = ["Lock", "Options", "Patience", "milliseconds"]

Options = dict[str, int | str | bool]


class Lock(abc.ABC):
    """One handle on the write lock of one transcript.

    Handles exclude each other, also within one process. A handle is not
    re-entrant: its holder must not acquire it again.
    """

    @property
    @abc.abstractmethod
    def held(self) -> bool:
        """Return whether this handle took the lock and has not released it; it may have been reclaimed."""

    @abc.abstractmethod
    def acquire(self) -> None:
        """Take the lock, waiting for it.

        Raises:
            LockTimeoutError: another handle kept it for too long.
            StaleLockError: a live holder has exceeded its time and may not lose the lock.
        """

    @abc.abstractmethod
    def release(self) -> None:
        """Release the lock; afterwards the handle does not hold it, even if this raises.

        Raises:
            StaleLockError: it had been reclaimed in the meantime, or was not held.
        """

    @abc.abstractmethod
    def release_if_held(self) -> None:
        """Release the lock if it is held; do not report a loss."""

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An exception that is already raised must not be hidden by the loss of the lock.
        if error is None:
            self.release()
        else:
            self.release_if_held()


class Patience:
    """The time for which a waiter goes on asking for a lock that another has.

    Args:
        path: path of the lock, for the message.
        options: ``lock_poll_ms`` (50) and ``lock_timeout_ms``.
        timeout_ms: default of ``lock_timeout_ms``.
    """

    def __init__(self, path: str, options: Options, timeout_ms: int) -> None:
        self._path = path
        self._poll_ms = milliseconds(options, "lock_poll_ms", 50)
        self._timeout_ms = milliseconds(options, "lock_timeout_ms", timeout_ms)
        self._deadline_ms = 0.0

    def begin(self) -> None:
        """Start the time-out of one wait."""
        self._deadline_ms = time.monotonic() * 1000 + self._timeout_ms

    def wait(self) -> None:
        """Sleep until the next attempt.

        Raises:
            LockTimeoutError: the time limit is over.
        """
        if time.monotonic() * 1000 >= self._deadline_ms:
            raise LockTimeoutError(
                f"{self._path}: held by somebody else for {self._timeout_ms} ms; try again later"
            )
        time.sleep(self._poll_ms / 1000)


def milliseconds(options: Options, name: str, default: int) -> int:
    """Return a time from the options.

    Raises:
        ValueError: it is not an integer, or negative.
    """
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"options.{name}: {value!r}, expected milliseconds; give an integer of 0 or more")
    return value
