#!/usr/bin/env bash
# SQLite 3.54.1 (apsw 3.54.1.0, Python 3.11.7, Linux 6.18), a database in WAL mode that is mounted into a container by itself.
#
# Guess:  a container that has only the database file as a volume (-v ./store.db:/app/store.db) and a program of the host are two
#         processes on one database: each sees what the other has committed, and one waits for the other.
# Seen:   they are on two. The log and the locks of WAL mode are files beside the path, and a mount of one file has none beside it:
#         the container makes its own. Each side commits, sees its own rows alone, and both hold the write lock at once, though stat
#         says that it is one file. With the last close on each side its log is copied into the file, page by page. So the
#         commits of the side that closes first are lost, and no call fails. A container that is removed instead takes its log, and
#         all that it has committed, along. In mode "delete" both see one database and one lock. A volume of the folder is sound, too.
# Matters to: session stores and histories in SQLite, most of which choose WAL mode, that are handed to a container as one file.
#
# Output seen:
#   SQLite 3.54.1, wal: container commits row 1: host sees no row, commits row 1, too; both hold the write lock;
#   after all is closed: host
#   SQLite 3.54.1, delete: container commits row 1: host sees container, is refused row 1; one holds the write lock;
#   after all is closed: container
#
# Needs root, or a kernel that lets users make namespaces, and the package index. Exit status 0 if this is still so, 1 if it has
# changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target packages apsw==3.54.1.0

# A process on the database: runs each line of its input.
cat >sql.py <<'PYTHON'
import sys

import apsw

opened = apsw.Connection(sys.argv[1])
for line in sys.stdin:
    try:
        print(*(row[0] for row in opened.execute(line)), flush=True)
    except apsw.Error as error:
        print(type(error).__name__, flush=True)
opened.close()
PYTHON

cat >both.py <<'PYTHON'
import os
import subprocess
import sys

import apsw

mode = sys.argv[1]


class Process:
    """A process that has the database open under this path."""

    def __init__(self, path):
        command = [sys.executable, "sql.py", path]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, statement):
        self.process.stdin.write(statement + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


assert os.path.samefile("host/store.db", "container/store.db")
opened = apsw.Connection("host/store.db")
assert opened.pragma("journal_mode", mode) == mode
opened.execute("CREATE TABLE lines (number INTEGER PRIMARY KEY, writer TEXT)")
opened.close()

container, host = Process("container/store.db"), Process("host/store.db")
assert container.run("INSERT INTO lines VALUES (1, 'container')") == ""
sees = host.run("SELECT writer FROM lines") or "no row"
told = host.run("INSERT INTO lines VALUES (1, 'host')")
commits = "is refused row 1" if told == "ConstraintError" else "commits row 1, too" if told == "" else told
locks = container.run("BEGIN IMMEDIATE"), host.run("BEGIN IMMEDIATE")
holders = {("", ""): "both hold", ("", "BusyError"): "one holds"}.get(locks, locks)
container.end()
host.end()
after = Process("host/store.db")
left = after.run("SELECT writer FROM lines")
after.end()
seen = f"host sees {sees}, {commits}; {holders} the write lock; after all is closed: {left}"
print(f"SQLite {apsw.sqlite_lib_version()}, {mode}: container commits row 1: {seen}")
so = {
    "wal": "host sees no row, commits row 1, too; both hold the write lock; after all is closed: host",
    "delete": "host sees container, is refused row 1; one holds the write lock; after all is closed: container",
}
sys.exit(seen != so[mode])
PYTHON

status=0
for mode in wal delete; do
    rm -rf host container
    mkdir host container
    touch host/store.db container/store.db
    PYTHONPATH=packages unshare --map-root-user --mount sh -c '
        mount --bind host/store.db container/store.db && exec python3 both.py "$1"' sh "$mode" || status=1
done
exit "$status"
