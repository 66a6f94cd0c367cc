#!/usr/bin/env bash
# SQLite 3.54.1 (apsw 3.54.1.0, Python 3.11.7, Linux 6.18; 3.40.1 of Python's sqlite3 alike).
#
# Guess:  a process that has a database open while another file is renamed over it, such as a restored backup or one that a sync tool
#         fetched, is told by its next write: SQLITE_READONLY_DBMOVED.
# Seen:   it is told in the rollback modes "delete", "truncate" and "persist", which look whether the path still has the file. In WAL
#         mode, and in "memory" and "off", nothing looks. The write is accepted. In WAL mode it undoes the restore, too: the log
#         beside the path belongs to the name and not to the file, so every process that opens the restored file
#         from then on reads the old rows and the late one, and the last one to close writes them into it.
# Matters to: programs that take this error for their sign to open the database again, and anybody who restores a session store
#         by mv while a process has it open; most such stores choose WAL mode. The log has to be removed together with the file, and
#         the process that has it open has to end first.
#
# Output seen:
#   SQLite 3.54.1, a row written after the restore: delete: SQLITE_READONLY_DBMOVED; stored: restored
#   truncate: SQLITE_READONLY_DBMOVED; stored: restored
#   persist: SQLITE_READONLY_DBMOVED; stored: restored
#   memory: accepted; stored: restored
#   off: accepted; stored: restored
#   wal: accepted; stored: old, late
#
# Needs no root. Takes the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/packages" apsw==3.54.1.0

PYTHONPATH="$folder/packages" python3 - "$folder" <<'PYTHON'
import os
import sys

import apsw

FOLDER = sys.argv[1]


def lines(path):
    """Return the rows that another connection finds at the path."""
    opened = apsw.Connection(path)
    found = ", ".join(line for (line,) in opened.execute("SELECT line FROM lines"))
    opened.close()
    return found


def after_restore(mode):
    """Return what the next write is told in this mode, and what the path has after it."""
    path, backup = f"{FOLDER}/{mode}", f"{FOLDER}/{mode}-backup"
    restored = apsw.Connection(backup)
    restored.execute("CREATE TABLE lines (line TEXT); INSERT INTO lines VALUES ('restored')")
    restored.close()
    first = apsw.Connection(path)
    assert first.pragma("journal_mode", mode) == mode
    first.execute("CREATE TABLE lines (line TEXT); INSERT INTO lines VALUES ('old')")
    os.rename(backup, path)
    try:
        first.execute("INSERT INTO lines VALUES ('late')")
        told = "accepted"
    except apsw.ReadOnlyError as error:
        told = apsw.mapping_extended_result_codes[error.extendedresult]
    seen = lines(path)
    first.close()
    assert lines(path) == seen
    return f"{told}; stored: {seen}"


seen = {mode: after_restore(mode) for mode in ("delete", "truncate", "persist", "memory", "off", "wal")}
said = "\n".join(f"{mode}: {what}" for mode, what in seen.items())
print(f"SQLite {apsw.sqlite_lib_version()}, a row written after the restore: {said}")
moved, unseen = "SQLITE_READONLY_DBMOVED; stored: restored", "accepted; stored: restored"
so = dict(delete=moved, truncate=moved, persist=moved, memory=unseen, off=unseen, wal="accepted; stored: old, late")
sys.exit(seen != so)
PYTHON
