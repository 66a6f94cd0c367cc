#!/usr/bin/env bash
# watchfiles 1.3.0, with watchdog 7.1.0 beside (seen with Python 3.11.7 on Linux 6.18).
#
# Guess:  watch(FILE) reports each change of the file under this path, also after another file was renamed over it, as editors and
#         atomic writers do: its documents say that paths may be files or folders.
# Seen:   the rename is reported as "deleted", although the path has a file at each moment, and nothing is reported from then
#         on. The iterator goes on to wait, without an end and without an error. A watch of the folder reports all of it, and so does
#         watchdog with the file alone.
# Matters to: readers that follow a transcript, a session or a settings file by its path: the first compaction or save by a rename is
#         the last thing that they hear of.
#
# Output seen:
#   appended to, replaced by a rename, appended to: watchfiles 1.3.0, of the file: modified, deleted, nothing; of its folder: modified,
#   added, modified; watchdog 7.1.0, of the file: modified, created, modified
#
# Needs no root. Takes the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target packages watchfiles==1.3.0 watchdog==7.1.0

cat >watch.py <<'PYTHON'
import importlib.metadata
import os
import sys
import threading
import time

import watchfiles
from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

FILE = os.path.abspath("watched/lines")
heard = {"file": set(), "folder": set(), "watchdog": set()}
started = {name: threading.Event() for name in ("file", "folder")}
stop = threading.Event()


def follow(name, path):
    """Gather what watchfiles reports of the file."""
    watch = watchfiles.watch(path, stop_event=stop, debounce=50, step=10, rust_timeout=100, yield_on_timeout=True)
    for changes in watch:
        started[name].set()
        heard[name].update(change.name for change, changed in changes if changed == FILE)


class Handler(FileSystemEventHandler):
    def on_any_event(self, event):
        heard["watchdog"].add(event.event_type)


def after(change, told):
    """Change the file, wait until the folder's watch tells it, and return what each watch has told."""
    for changes in heard.values():
        changes.clear()
    change()
    while told not in heard["folder"]:
        time.sleep(0.05)
    time.sleep(1)
    return {name: set(changes) for name, changes in heard.items()}


def append():
    with open(FILE, "a") as file:
        file.write("line\n")


def replace():
    with open("other", "w") as file:
        file.write("another line\n")
    os.rename("other", FILE)


os.mkdir("watched")
append()
for name, path in (("file", FILE), ("folder", os.path.dirname(FILE))):
    threading.Thread(target=follow, args=(name, path), daemon=True).start()
observer = Observer()
observer.schedule(Handler(), FILE)
observer.start()
for event in started.values():
    event.wait()
steps = [after(append, "modified"), after(replace, "added"), after(append, "modified")]
stop.set()


def told(name, expected):
    """Return the expected change of each step, or what was told instead."""
    said = [step[name] for step in steps]
    return ", ".join(want if want in changes else "/".join(sorted(changes)) or "nothing" for want, changes in zip(expected, said))


file = told("file", ("modified", "deleted", "modified"))
parent = told("folder", ("modified", "added", "modified"))
dog = told("watchdog", ("modified", "created", "modified"))
versions = {name: importlib.metadata.version(name) for name in ("watchfiles", "watchdog")}
print(
    f"appended to, replaced by a rename, appended to: watchfiles {versions['watchfiles']}, of the file: {file}; "
    f"of its folder: {parent}; watchdog {versions['watchdog']}, of the file: {dog}"
)
so = ("modified, deleted, nothing", "modified, added, modified", "modified, created, modified")
sys.exit((file, parent, dog) != so)
PYTHON
PYTHONPATH=packages timeout 60 python3 watch.py
