#!/usr/bin/env bash
# diskcache 5.6.3 (seen with Python 3.11.7).
#
# Guess:  release() of a Lock with an expire time, by a holder that was late, does nothing to the process that has the lock since then, or
#         raises. RLock of the same module raises "cannot release un-acquired lock".
# Seen:   Lock.release deletes the key, whoever put it there. The late holder's release, or the end of its "with" block, frees the
#         lock of its successor, and a third process gets it beside the second one. No call fails. One holder that is late once is
#         enough: each of those that follow frees the lock of the next, for as long as processes wait for it. A
#         BoundedSemaphore does the same. RLock keeps the name of its holder in the cache, compares it, and raises.
# Matters to: jobs of several processes that take Lock(expire=...) so that a killed holder does not block them for ever.
#
# Output seen:
#   diskcache 5.6.3: the first one is late, the second has the lock, the first releases, a third asks: Lock: released, got it;
#   RLock: refused; BoundedSemaphore: released, got it
#
# Needs no root. Takes the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target packages diskcache==5.6.3

cat >late.py <<'PYTHON'
import subprocess
import sys
import time

import diskcache


def holder(kind, expire):
    """A process: takes the lock, and releases it when it is told to."""
    lock = getattr(diskcache, kind)(diskcache.Cache(f"cache-{kind}"), "lock", expire=expire)
    lock.acquire()
    print("got it", flush=True)
    sys.stdin.readline()
    try:
        lock.release()
        print("released", flush=True)
    except AssertionError as error:
        print("refused" if "cannot release" in str(error) else error, flush=True)


class Process:
    def __init__(self, kind, expire):
        command = [sys.executable, __file__, kind, str(expire)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        return self.process.stdout.readline().strip()

    def release(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.line()


def seen(kind):
    first = Process(kind, 0.3)
    assert first.line() == "got it"
    time.sleep(0.5)
    second = Process(kind, 600)
    assert second.line() == "got it"
    released = first.release()
    holders = [first, second]
    if released == "released":
        holders.append(Process(kind, 600))
        released += ", " + holders[2].line()
    for process in holders:
        process.process.kill()
        process.process.wait()
    return f"{kind}: {released}"


if sys.argv[1:]:
    holder(sys.argv[1], float(sys.argv[2]))
else:
    told = "; ".join(seen(kind) for kind in ("Lock", "RLock", "BoundedSemaphore"))
    did = "the first one is late, the second has the lock, the first releases, a third asks"
    print(f"diskcache {diskcache.__version__}: {did}: {told}")
    sys.exit(told != "Lock: released, got it; RLock: refused; BoundedSemaphore: released, got it")
PYTHON
PYTHONPATH=packages timeout 60 python3 late.py
