#!/usr/bin/env bash
# pid 3.0.4 (seen with Python 3.11.7 on Linux 6.18).
#
# Guess:  while the process that has the PidFile lives, a second one is refused: the file is locked by flock, and a child that
#         the first one forks has no part in it.
# Seen:   a forked child that ends in the plain way (sys.exit, or the end of the program) removes the file: the handler that
#         cleans up is registered by atexit, forked along, and does not compare process ids. The parent goes on to hold a flock on a
#         file without a name. The second process makes a new file, locks that, and runs beside the first one. A child that ends
#         by os._exit, as those of multiprocessing do, removes nothing.
# Matters to: daemons with such a file that fork for a piece of work; two schedulers or heartbeats run at once.
#
# Output seen:
#   pid 3.0.4: a second process is refused; after a child that ended by os._exit: refused; by sys.exit: it has the file, too
#
# Needs no root. Takes the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" pid==3.0.4

cat >"$folder/second.py" <<'PYTHON'
import sys

import pid

try:
    with pid.PidFile("service", piddir=sys.argv[1]):
        print("it has the file, too")
except pid.PidFileAlreadyLockedError:
    print("refused")
PYTHON

PYTHONPATH="$folder/packages" python3 - "$folder" <<'PYTHON'
import os
import subprocess
import sys

import pid

folder = sys.argv[1]


def second():
    """Return what another process is told that wants the file."""
    command = [sys.executable, f"{folder}/second.py", folder]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def child_that_ends_by(end):
    child = os.fork()
    if child == 0:
        end(0)
    os.waitpid(child, 0)


file = pid.PidFile("service", piddir=folder)
file.create()
before = second()
child_that_ends_by(os._exit)
after_plain = second()
child_that_ends_by(sys.exit)
after_exit = second()
print(
    f"pid 3.0.4: a second process is {before}; after a child that ended by os._exit: {after_plain};"
    f" by sys.exit: {after_exit}"
)
sys.exit(0 if (before, after_plain, after_exit) == ("refused", "refused", "it has the file, too") else 1)
PYTHON
