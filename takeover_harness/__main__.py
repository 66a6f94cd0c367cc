"""``python -m takeover_harness``, and the script ``takeover-harness``."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

import takeover_harness
from takeover_harness.own_packages import keep

__all__ = ["main"]


def main() -> NoReturn:
    """Run one command and end the process with its exit status.

    The working directory comes last: none of its modules can take the place of a package that the
    harness imports.
    """
    keep()
    # The first entry is the folder of the script, or the working directory for `python -m`.
    if not sys.flags.safe_path:
        del sys.path[0]
    with contextlib.suppress(OSError):  # it may be gone
        here = os.getcwd()
        sys.path[:] = [entry for entry in sys.path if entry not in ("", here)] + [here]
    from harness.__main__ import run

    run(takeover_harness.mask_before)


if __name__ == "__main__":
    main()
