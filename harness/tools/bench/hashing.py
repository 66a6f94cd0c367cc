"""Count the bytes that a fence feeds to `hashlib` and to `blake3`, in a child process.

The count is of the fence's work on the content, however it read the bytes, so it does not depend
on buffer sizes, caches or the gate. A hash from elsewhere is not counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Sized
from typing import Any, TypeVar

import blake3
import msgspec

__all__ = ["counted_apart", "hashed_bytes"]

_T = TypeVar("_T")
_total = 0


def hashed_bytes() -> int:
    """Return the bytes that went into hashes so far, in a process of `counted_apart`."""
    return _total


class _Counted:
    """A hash that counts the bytes it is fed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def update(self, data: Sized) -> None:
        _count(data)
        self._inner.update(data)

    def copy(self) -> _Counted:
        return _Counted(self._inner.copy())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _count(data: object) -> None:
    global _total  # noqa: PLW0603  # one count a process
    if data:
        _total += memoryview(data).nbytes  # type: ignore[arg-type]  # a hash takes buffers only


def _counting(make: Callable[..., Any], first: int) -> Callable[..., _Counted]:
    """Return a constructor that counts; its argument number `first` is the first data."""

    def made(*arguments: Any, **more: Any) -> _Counted:
        _count(more.get("data", more.get("string", arguments[first] if len(arguments) > first else b"")))
        return _Counted(make(*arguments, **more))

    return made


def counted_apart(do: Callable[[], _T], kind: type[_T]) -> _T:
    """Call a function in a child process in which `hashed_bytes` counts, and return its result.

    Args:
        do: called there. It should import the modules that hash: a module that was imported before may
            hold hashes that do not count.
        kind: type of its result, known to msgspec.

    Raises:
        RuntimeError: the function raised; with the message.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        answer: dict[str, object] = {"failed": "it was killed"}
        with contextlib.suppress(BaseException):
            try:
                _install()
                answer = {"found": do()}
            except BaseException as error:
                answer = {"failed": f"{type(error).__name__}: {error}"}
                raise
            finally:
                with open(writing, "wb") as file:
                    file.write(msgspec.msgpack.encode(answer))
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        data = file.read()
    os.waitpid(pid, 0)
    result: dict[str, Any] = msgspec.msgpack.decode(data) if data else {"failed": "it ended without a word"}
    if "found" not in result:
        raise RuntimeError(result["failed"])
    return msgspec.convert(result["found"], kind)


def _install() -> None:
    for name in sorted(hashlib.algorithms_guaranteed):
        setattr(hashlib, name, _counting(getattr(hashlib, name), 0))
    hashlib.new = _counting(hashlib.new, 1)  # type: ignore[assignment]  # as a hash does, it counts besides
    blake3.blake3 = _counting(blake3.blake3, 0)  # type: ignore[misc,assignment]  # the same
