"""Names of system calls that differ by version, for the same function of Python."""

from __future__ import annotations

import os
import sys

__all__ = ["FSTAT", "LINK"]


def _glibc() -> tuple[int, ...]:
    return tuple(int(part) for part in (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 0").split()[1].split("."))


#: By which call `os.fstat` asks.
FSTAT = "newfstatat" if (2, 33) <= _glibc() < (2, 39) else "fstat"
#: By which call `os.link` makes a link.
LINK = "linkat" if sys.version_info >= (3, 14) else "link"
