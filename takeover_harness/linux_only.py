"""Says in one line that the harness needs Linux, before anything is imported that only Linux has."""

from __future__ import annotations

import sys

__all__ = ["refuse_elsewhere"]

_USAGE = 2  # as harness.cli.status, which cannot be imported here


def refuse_elsewhere() -> None:
    """End the process with status 2 and one line where the system is not Linux."""
    if sys.platform == "linux":
        return
    print(
        f"this system is {sys.platform}; takeover-harness needs Linux, because both of its gates control "
        "processes by calls of that kernel; run it in a virtual machine with Linux, a container or WSL 2",
        file=sys.stderr,
    )
    sys.exit(_USAGE)
