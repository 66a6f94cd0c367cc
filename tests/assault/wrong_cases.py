"""Cases of which one does something wrong, in a process that is as light as that of an assault.

    python -m tests.assault.wrong_cases WHAT FOLDER

prints the figures as JSON. A test runner would leave its own memory to the processes that it forks.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import msgspec

from tests.assault import limited
from tests.assault.limited import attack

__all__ = ["CASES", "WRONG"]

CASES = 8
#: Number of the case that does it.
WRONG = 3


def _main(what: str, folder: str) -> None:
    def case(number: int, own: str) -> str:
        Path(own, "own").write_text("a case may write into its folder")
        if number == WRONG:
            _do_wrong(what, Path(folder, "elsewhere"))
        return "sound"

    limited._CPU_S = 1.0
    found = attack(CASES, case, os.path.join(folder, "cases"), 2, False, lambda _: None)
    print(msgspec.json.encode(found).decode())


def _do_wrong(what: str, other: Path) -> None:
    if what == "raise":
        raise KeyError("on purpose")
    if what == "write":
        other.write_text("x")
    elif what == "hang":
        while True:
            pass
    elif what == "memory":
        bytearray(b"x") * (300 << 20)
    elif what == "start":
        os.posix_spawn("/bin/true", ["true"], {})
    elif what == "end":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _main(*sys.argv[1:])
