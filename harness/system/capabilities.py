"""Capabilities: what root may do to a machine beyond files, and a process under test may not.

They are those of a thread, and all that it starts inherits them. A user that is not root has none.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

from harness.model.errors import GateUnavailable

__all__ = ["drop"]

_VERSION_3 = 0x20080522
_PR_CAPBSET_DROP = 24
_LAST = 40

# Numbers of linux/capability.h: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
# net_bind_service. With them root's own files look and behave as they do for root.
_KEPT = (0, 1, 3, 4, 5, 6, 7, 8, 10)
_KEPT_BITS = sum(1 << number for number in _KEPT)
_BOUND_BY_SETPCAP = 1 << 8


def drop() -> None:
    """Give up the calling thread's capabilities that are about the machine and not about files.

    Raises:
        GateUnavailable: the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", _VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    if libc.capget(header, data) != 0:
        raise GateUnavailable(f"capget: {os.strerror(ctypes.get_errno())}")
    low = struct.unpack_from("=3I", data.raw, 0)
    high = struct.unpack_from("=3I", data.raw, 12)
    effective, permitted, inheritable = (a | b << 32 for a, b in zip(low, high, strict=True))
    if not permitted:
        return
    if effective & _BOUND_BY_SETPCAP:
        for number in range(_LAST + 1):
            if not _KEPT_BITS >> number & 1:
                # A number that this kernel does not know is no capability to give up.
                libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    left = [one & _KEPT_BITS for one in (effective, permitted, inheritable)]
    packed = struct.pack("=6I", *(one & 0xFFFFFFFF for one in left), *(one >> 32 for one in left))
    if libc.capset(header, packed) != 0:
        raise GateUnavailable(f"capset: {os.strerror(ctypes.get_errno())}")
