"""``python -m harness``."""

from __future__ import annotations

import sys

from harness.cli import main
from harness.cli.status import INTERRUPTED
from harness.interrupts import ignore, interrupt_once

if __name__ == "__main__":
    interrupt_once()
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
    ignore()
    sys.exit(status)
