#!/usr/bin/env bash
# multiprocess 0.70.19 (seen with Python 3.11.7 on Linux 6.18; the standard library's multiprocessing has the same code).
#
# Guess:  Process.join(timeout) returns after the timeout, with any child.
# Seen:   it returns only when the child has ended, if the child has closed the descriptors that it inherited, as
#         daemons do. join waits for a pipe of which the child holds the other end. The pipe reports its end when the child
#         closes it; join takes that for the end of the process, and then waits for the process without a limit.
# Matters to: test runners and supervisors that give a worker a limit by join(timeout).
#
# Output seen:
#   multiprocess 0.70.19: after join(0.2) of a child that works for 3 s: it has ended
#
# Needs no root. Takes 3 seconds and the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" multiprocess==0.70.19

PYTHONPATH="$folder" python3 - <<'PYTHON'
import os
import sys
import time

import multiprocess


def daemon_like():
    os.closerange(3, 256)
    time.sleep(3)


child = multiprocess.get_context("fork").Process(target=daemon_like)
child.start()
time.sleep(1)  # it has closed them by then
child.join(0.2)
ended = not child.is_alive()
state = "it has ended" if ended else "it still runs"
print(f"multiprocess {multiprocess.__version__}: after join(0.2) of a child that works for 3 s: {state}")
child.join()
sys.exit(0 if ended else 1)
PYTHON
