#!/usr/bin/env bash
# structlog 26.1.0 (seen with Python 3.11.7 on Linux 6.18).
#
# Guess:  structlog's default logger hands each line to the kernel in one write, as long as the line is short: its
#         PrintLogger prints and flushes, and the buffer of standard output takes some 8 KiB.
# Seen:   with PYTHONUNBUFFERED=1, which images for containers set, the newline is a write of its own behind every line,
#         however short: print() writes text and newline apart, and nothing gathers them any more. WriteLogger, which
#         writes both at once, makes one write in either case.
# Matters to: several processes whose standard output is appended to one JSONL file. Two lines that come at once end as
#         one line with both in it and an empty line.
#
# Output seen:
#   structlog 26.1.0, 2 lines of 43 bytes: PrintLogger 43 43, unbuffered 42 1 42 1; WriteLogger 43 43, unbuffered 43 43
#
# Needs no root. Takes the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder" structlog==26.1.0

cat >"$folder/lines.py" <<'PYTHON'
import sys

import structlog

factory = getattr(structlog, sys.argv[1])()
structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=factory)
for number in (1, 2):
    structlog.get_logger().info("turn", reply=number, of="job")
PYTHON

PYTHONPATH="$folder" python3 - "$folder/lines.py" <<'PYTHON'
import os
import subprocess
import sys


def writes(factory, unbuffered):
    """Return the sizes of the child's writes: a pipe in packet mode keeps them apart."""
    reading, writing = os.pipe2(os.O_DIRECT)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    if unbuffered:
        environment["PYTHONUNBUFFERED"] = "1"
    command = [sys.executable, sys.argv[1], factory]
    subprocess.run(command, stdout=writing, env=environment, check=True)
    os.close(writing)
    sizes = []
    while packet := os.read(reading, 4096):
        sizes.append(len(packet))
    os.close(reading)
    return sizes


seen = {
    (name, unbuffered): writes(f"{name}Factory", unbuffered)
    for name in ("PrintLogger", "WriteLogger")
    for unbuffered in (False, True)
}
size = seen["PrintLogger", False][0]
parts = [
    f"{name} {' '.join(map(str, seen[name, False]))}, unbuffered {' '.join(map(str, seen[name, True]))}"
    for name in ("PrintLogger", "WriteLogger")
]
print(f"structlog 26.1.0, 2 lines of {size} bytes: {'; '.join(parts)}")
whole, apart = [size, size], [size - 1, 1, size - 1, 1]
expected = [whole, apart, whole, whole]
sys.exit(0 if list(seen.values()) == expected else 1)
PYTHON
