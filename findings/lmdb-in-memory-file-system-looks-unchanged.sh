#!/usr/bin/env bash
# lmdb 3.0.0 (Python 3.11.7) with writemap on a tmpfs of Linux 6.18, and rsync 3.5.0.
#
# Guess:  a commit changes the mtime of the store's file: mmap(2) promises it after a store into a shared mapping, at the latest at
#         msync, and lmdb syncs at each commit. So an rsync that runs later copies it.
# Seen:   on tmpfs, and so on /dev/shm, mtime and ctime change only when a process touches a page of the file for the first time. Once
#         it has touched those that it uses, commits change neither, with msync or without. The file has its full size from the
#         begin, so nothing that stat tells differs, and "rsync -a" leaves the old copy for as long as that process runs. Without
#         writemap lmdb writes by calls, and the copy is made. ext4, xfs and btrfs keep the promise.
# Matters to: stores in memory that are synced to disk by rsync every few minutes, and fences or caches that ask stat whether a store
#         was changed.
#
# Output seen:
#   lmdb 3.0.0 on tmpfs: commits 1 to 3 are synced, a second passes, rsync -a copies: the copy has 0; without writemap: 3
#
# Needs no root. Takes the package index, rsync, and /dev/shm on a tmpfs. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d --tmpdir=/dev/shm)
trap 'rm -rf "$folder"' EXIT
[ "$(stat --file-system --format %T "$folder")" = tmpfs ]
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/packages" lmdb==3.0.0

PYTHONPATH="$folder/packages" python3 - "$folder" <<'PYTHON'
import os
import subprocess
import sys
import time

import lmdb

FOLDER = sys.argv[1]


def copied(writemap):
    """Return the number of the last commit that a second rsync copies; 0 is that of the first one."""
    store, copy = f"{FOLDER}/store-{writemap}", f"{FOLDER}/copy-{writemap}"
    opened = lmdb.open(store, map_size=1 << 20, writemap=writemap)

    def commit(number):
        with opened.begin(write=True) as transaction:
            transaction.put(b"commit", b"%d" % number)
        opened.sync(True)

    for _ in range(10):
        commit(0)
    subprocess.run(["rsync", "-a", f"{store}/", f"{copy}/"], check=True)
    time.sleep(1.1)  # rsync compares seconds
    for number in (1, 2, 3):
        commit(number)
    subprocess.run(["rsync", "-a", f"{store}/", f"{copy}/"], check=True)
    opened.close()
    with lmdb.open(copy, readonly=True) as kept, kept.begin() as transaction:
        return int(transaction.get(b"commit"))


mapped, written = copied(True), copied(False)
did = "commits 1 to 3 are synced, a second passes, rsync -a copies"
print(f"lmdb {lmdb.__version__} on tmpfs: {did}: the copy has {mapped}; without writemap: {written}")
sys.exit((mapped, written) != (0, 3))
PYTHON
