"""The runtime: a session file with one JSON object a line, a lock file beside it, and a command line."""

import json
import os
import sys
import time


class Busy(Exception):
    """Another program holds the lock."""


class Conflict(Exception):
    """The session file is not as it was when the model was asked."""


class Session:
    def __init__(self, path):
        self.path = path
        self.held = False
        self.seen = None

    def lock(self, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while not self.held:
            try:
                os.close(os.open(f"{self.path}.lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                self.held = True
            except FileExistsError:
                if time.monotonic() >= deadline:
                    raise Busy(f"{self.path} is in use") from None
                time.sleep(0.05)

    def unlock(self):
        os.unlink(f"{self.path}.lock")
        self.held = False

    def read(self):
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def append(self, lines):
        with open(self.path, "ab") as file:
            file.write(b"".join(lines))

    def state(self):
        found = os.stat(self.path)
        return found.st_size, found.st_mtime_ns

    def ask(self):
        """Let others work while the model thinks."""
        self.seen = self.state()
        self.unlock()

    def reply(self, lines):
        """Append what the model said, unless the file has changed meanwhile."""
        self.lock()
        try:
            if self.state() != self.seen:
                raise Conflict("size or time differ")
            self.append(lines)
            self.seen = self.state()
        finally:
            self.unlock()

    def title(self, text):
        """Write the file anew, with a title in its first line."""
        first, *rest = self.read().splitlines(keepends=True)
        header = json.dumps({**json.loads(first), "title": text}) + "\n"
        with open(f"{self.path}.new", "wb") as file:
            file.write(b"".join([header.encode(), *rest]))
        os.rename(f"{self.path}.new", self.path)


def main():
    """session note FILE ID TEXT | session title [--lock] FILE TEXT."""
    command, *words = sys.argv[1:]
    locks = command == "note" or words[0] == "--lock"
    path, *words = [word for word in words if word != "--lock"]
    session = Session(path)
    if locks:
        session.lock()
    if command == "note":
        session.append([json.dumps({"type": "custom", "id": words[0], "text": words[1]}).encode() + b"\n"])
    else:
        session.title(words[0])
    if locks:
        session.unlock()
