#!/usr/bin/env bash
# fuse-overlayfs 1.10-1 of Debian 12 (seen on Linux 6.18 and 6.1).
#
# Guess:  mtime and ctime of a file change only when a process changes the file.
# Seen:   they change once more, by some milliseconds, when the kernel forgets the file: of 50 files that were written
#         and closed nearly all have another ctime afterwards, and many another mtime. fuse-overlayfs has a write-back cache,
#         so stat tells stamps that the kernel took from its own clock. After the kernel dropped the inode it asks
#         fuse-overlayfs again, and is told those of the file in the upper layer.
# Matters to: programs that compare stat of a file in a rootless container with an earlier stat to see whether it was changed.
#
# Output seen:
#   fuse-overlayfs 1.10: the kernel forgot 50 files: most have other stamps; a tmpfs: none has
#
# Needs root, FUSE and the package index; drops the kernel's caches once. Exit status 0 if this is still so, 1 if it has
# changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'umount -l "$folder/mount" "$folder/below" 2>/dev/null || true; rm -rf "$folder"' EXIT
chmod 755 "$folder"
mkdir "$folder/packages" "$folder/below" "$folder/mount"
(cd "$folder/packages" && apt-get download --quiet fuse-overlayfs=1.10-1 libfuse3-3=3.14.0-4 >/dev/null 2>&1)
for package in "$folder"/packages/*.deb; do dpkg-deb --extract "$package" "$folder/packages"; done
mount -t tmpfs tmpfs "$folder/below"
mkdir "$folder/below/lower" "$folder/below/upper" "$folder/below/work" "$folder/below/plain"

overlay="$folder/packages/usr/bin/fuse-overlayfs"
export LD_LIBRARY_PATH="$folder/packages/lib/x86_64-linux-gnu:$folder/packages/usr/lib/x86_64-linux-gnu"
"$overlay" -o "lowerdir=$folder/below/lower,upperdir=$folder/below/upper,workdir=$folder/below/work" "$folder/mount"
version=$("$overlay" --version | sed -n 's/^fuse-overlayfs: version //p')

stamps() { stat --format '%n %.9Y %.9Z' "$1"/file*; }
for number in $(seq 50); do
    echo x | tee "$folder/mount/file$number" >"$folder/below/plain/file$number"
done
stamps "$folder/mount" >"$folder/before"
stamps "$folder/below/plain" >"$folder/plain-before"
sync
echo 3 >/proc/sys/vm/drop_caches
changed=$(stamps "$folder/mount" | comm -13 "$folder/before" - | wc -l)
plain=$(stamps "$folder/below/plain" | comm -13 "$folder/plain-before" - | wc -l)
if [ "$changed" -gt 25 ]; then said=most; elif [ "$changed" -gt 0 ]; then said=some; else said=none; fi
[ "$plain" -eq 0 ] && plainly=none || plainly="$plain"
echo "fuse-overlayfs $version: the kernel forgot 50 files: $said have other stamps; a tmpfs: $plainly has"
[ "$changed" -gt 0 ] && [ "$plain" -eq 0 ]
