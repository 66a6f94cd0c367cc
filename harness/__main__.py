"""``python -m harness``."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import harness
from takeover_harness.linux_only import refuse_elsewhere
from takeover_harness.own_packages import keep

__all__ = ["run"]


def run(mask_before: Any) -> NoReturn:
    """Run the command of this process's arguments and end the process with its exit status.

    Args:
        mask_before: the signal mask to return to; None where it was not changed.
    """
    refuse_elsewhere()
    from harness.system.interrupts import ignore, interrupt_once, put_off

    try:
        with put_off():
            interrupt_once()
            from harness.cli import main
            from harness.cli.status import INTERRUPTED
        if mask_before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask_before)
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
    ignore()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        # Its reader is gone; the interpreter would turn that into status 120.
        os._exit(status)
    if status == INTERRUPTED:
        # A signal that came while an import ran some text (dataclasses do) is remembered by the
        # interpreter as one that was not caught, and would end it in place of the status.
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    keep()
    run(harness._mask_before)
