#!/usr/bin/env bash
# google-adk 2.13.0 (seen with Python 3.11.7, SQLAlchemy 2.1.9 and aiosqlite 0.22.1).
#
# Guess:  append_event of SqliteSessionService raises StaleSessionError when another one has appended since the session was
#         loaded, whatever the time of that event.
# Seen:   only when that event has a later time than the last one that was loaded. The time is the one at which the other one
#         made the event, by its own clock, and the check compares it by "later than". An event from a machine whose clock is
#         behind, or one that was made before the session was loaded and appended after, is not noticed: the append is accepted
#         over an event that its writer has not read, and the history puts that event before those it came after.
#         DatabaseSessionService, on SQLite too, compares for equality and refuses.
# Matters to: two processes on one session, such as a chat and a scheduled run, that take StaleSessionError for their fence.
#
# Output seen:
#   SqliteSessionService, the other one's clock is right: StaleSessionError; stored: first, other
#   SqliteSessionService, the other one's clock is 5 s behind: accepted; stored: other, first, third
#   DatabaseSessionService, the other one's clock is 5 s behind: StaleSessionError; stored: other, first
#
# Needs no root. Takes the package index. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Of the package's many dependencies these are the ones that its session services import.
install() { python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/$1" "${@:2}"; }
install adk --no-deps google-adk==2.13.0
install packages google-genai==2.34.0 click==8.5.1 aiosqlite==0.22.1 "sqlalchemy[asyncio]==2.1.9"

PYTHONPATH="$folder/adk:$folder/packages" python3 -W ignore - "$folder" <<'PYTHON'
import asyncio
import pathlib
import sys
import time

from google.adk.events import Event
from google.adk.sessions import DatabaseSessionService
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types

SESSION = {"app_name": "app", "user_id": "user", "session_id": "session"}


def text(event):
    return event.content.parts[0].text


async def appended(service, session, content, at_s):
    part = types.Part(text=content)
    event = Event(author="user", timestamp=at_s, content=types.Content(role="user", parts=[part]))
    try:
        await service.append_event(session, event)
    except ValueError as error:  # StaleSessionError is one
        return type(error).__name__
    return "accepted"


async def two(make, place, behind_s):
    """Return how the append over an unread event ends, and the texts that are stored."""
    one, other = make(place), make(place)
    await one.create_session(**SESSION)
    now_s = time.time() + 1
    await appended(one, await one.get_session(**SESSION), "first", now_s)
    loaded = await one.get_session(**SESSION)
    assert await appended(other, await other.get_session(**SESSION), "other", now_s + 1 - behind_s) == "accepted"
    answer = await appended(one, loaded, "third", now_s + 2)
    stored = [text(event) for event in (await one.get_session(**SESSION)).events]
    await asyncio.gather(one.close(), other.close())
    return answer, stored


def sqlite(place):
    return SqliteSessionService(f"{place}.db")


def database(place):
    return DatabaseSessionService(f"sqlite+aiosqlite:///{place}.db")


folder = pathlib.Path(sys.argv[1])
seen = []
for number, (make, behind_s) in enumerate([(sqlite, 0), (sqlite, 5), (database, 5)]):
    answer, stored = asyncio.run(two(make, folder / f"case{number}", behind_s))
    seen.append((answer, stored))
    service = "SqliteSessionService" if make is sqlite else "DatabaseSessionService"
    clock = f"{behind_s} s behind" if behind_s else "right"
    print(f"{service}, the other one's clock is {clock}: {answer}; stored: {', '.join(stored)}")
stale = "StaleSessionError"
expected = [
    (stale, ["first", "other"]),
    ("accepted", ["other", "first", "third"]),
    (stale, ["other", "first"]),
]
sys.exit(0 if seen == expected else 1)
PYTHON
