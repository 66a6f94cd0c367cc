"""Cleans up after a harness that was killed.

Runs by itself, outside the harness's process group, and waits for its standard
input to end. When the harness ends in the usual way nothing is left to do. When
it was killed, what still works in the run's directory is killed and the
directory is removed. Uses the standard library alone, to be there at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

_ATTEMPTS = 50


def _inhabitants(root: str) -> list[int]:
    pids = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                where = os.readlink(f"/proc/{name}/cwd")
            except OSError:
                continue
            if where == root or where.startswith(root + "/"):
                pids.append(int(name))
    return pids


def main(root: str) -> None:
    """Wait for the end of the harness, then leave nothing of `root`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    for _ in range(_ATTEMPTS):
        if not os.path.isdir(root):
            return
        for pid in _inhabitants(root):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(root, ignore_errors=True)
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1])
