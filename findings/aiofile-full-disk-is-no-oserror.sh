#!/usr/bin/env bash
# aiofile 3.12.3 with caio 0.12.10 (seen with Python 3.11.7 on Linux 6.18).
#
# Guess:  a write that finds the file system full raises OSError with errno 28, as every other way to write in Python does.
# Seen:   it raises SystemError, without an errno, on all three compiled implementations of caio, of which one is taken unless
#         CAIO_IMPL says otherwise. The implementation in Python raises OSError. "except OSError" does not see the error, and no
#         number tells a full disk from a bad descriptor. The first half of the line is in the file by then.
# Matters to: asyncio programs that append lines and make room, wait, or tell the user when the disk is full.
#
# Output seen:
#   aiofile 3.12.3: unset: SystemError, errno None; thread: SystemError, errno None; python: OSError, errno 28
#
# Needs root, or a kernel that lets users make namespaces, and the package index. Exit status 0 if this is still so, 1 if it has
# changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --disable-pip-version-check --target packages aiofile==3.12.3 caio==0.12.10
mkdir small

cat >append.py <<'PYTHON'
import asyncio
import os

import aiofile


async def append():
    async with aiofile.async_open("small/log.jsonl", "a") as file:
        await file.write("x" * 6000)


try:
    asyncio.run(append())
except Exception as error:
    kept = os.path.getsize("small/log.jsonl")
    assert kept == 4096, kept
    print(f"{type(error).__name__}, errno {getattr(error, 'errno', None)}")
PYTHON

on_one_page() {
    unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=4k tmpfs small && exec python3 append.py'
}
export PYTHONPATH=packages
unset CAIO_IMPL
plain=$(on_one_page)
threads=$(CAIO_IMPL=thread on_one_page)
python=$(CAIO_IMPL=python on_one_page)
echo "aiofile 3.12.3: unset: $plain; thread: $threads; python: $python"
[ "$plain" = "SystemError, errno None" ] && [ "$threads" = "$plain" ] && [ "$python" = "OSError, errno 28" ]
