"""Capabilities: what root may do to a machine beyond files, and a process under test may not.

They are those of a thread, and all that it starts inherits them. A user that is not root has none, unless
its explorer has entered a user namespace (`harness.system.user_namespace`).
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys

from harness.model.errors import GateUnavailable

__all__ = ["any_held", "drop", "given_up"]

_VERSION_3 = 0x20080522
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_LAST = 40
_HEADER = struct.pack("=Ii", _VERSION_3, 0)

# Numbers of linux/capability.h: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
# net_bind_service. With them root's own files look and behave as they do for root.
_KEPT = (0, 1, 3, 4, 5, 6, 7, 8, 10)
_KEPT_BITS = sum(1 << number for number in _KEPT)
_BOUND_BY_SETPCAP = 1 << 8

_libc = ctypes.CDLL(None, use_errno=True)


def drop(all_of_them: bool = False) -> None:
    """Give up the calling thread's capabilities that are about the machine and not about files.

    A program that it starts gets none of them back, also one of another owner (PR_SET_NO_NEW_PRIVS).

    Args:
        all_of_them: those about files too, for a user that had none before.

    Raises:
        GateUnavailable: the kernel refuses.
    """
    if sys.platform != "linux":
        return
    held = _held()
    kept = 0 if all_of_them else _KEPT_BITS
    if held[0] & _BOUND_BY_SETPCAP:
        # PR_SET_NO_NEW_PRIVS alone does not do: the kernel takes what root starts for a program that gains
        # capabilities, even if it gets none, and gives it random addresses then.
        for number in range(_LAST + 1):
            if not kept >> number & 1:
                # A number that this kernel does not know is no capability to give up.
                _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    left = [one & kept for one in held]
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
    packed = struct.pack("=6I", *(one & 0xFFFFFFFF for one in left), *(one >> 32 for one in left))
    _check(_libc.capset(_HEADER, packed), "capset")


def any_held() -> bool:
    """Return whether the calling thread has a capability that takes effect."""
    return sys.platform == "linux" and _held()[0] != 0


@functools.cache
def given_up() -> bool:
    """Return whether this process has capabilities that `drop` gives up."""
    return sys.platform == "linux" and bool(_held()[0] & ~_KEPT_BITS)


def _held() -> list[int]:
    """Return the effective, permitted and inheritable capabilities, a bit each."""
    data = ctypes.create_string_buffer(24)
    _check(_libc.capget(_HEADER, data), "capget")
    low = struct.unpack_from("=3I", data.raw, 0)
    high = struct.unpack_from("=3I", data.raw, 12)
    return [a | b << 32 for a, b in zip(low, high, strict=True)]


def _check(result: int, what: str) -> None:
    if result != 0:
        raise GateUnavailable(f"{what}: {os.strerror(ctypes.get_errno())}")
