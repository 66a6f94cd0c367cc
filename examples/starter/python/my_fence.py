"""A fence to start from: every writer that holds the lock notes down what it left, and the runner compares.

Put your own check in its place. `fence.protocol` says what each method is asked for. If this folder gets a
package `fence` of your own, import from `takeover_harness` instead, which has the same names.
"""

import hashlib

from fence.protocol import Fence, TakeoverError
from fence.transcript import append_lines, read_all


class MyFence(Fence):
    about = "the digest of the transcript, noted beside it by each writer that holds the lock"

    def begin_turn(self):
        super().begin_turn()
        self.taken_over = False

    def load(self):
        content = super().load()
        self.note(content)
        return content

    def append(self, entries):
        before = read_all(self.path)
        append_lines(self.path, entries)
        self.note_after(before, before + b"".join(entries))

    def rewrite(self, lines, how):
        before = read_all(self.path)
        super().rewrite(lines, how)
        self.note_after(before, b"".join(lines))

    def guarded_write(self, entries):
        if self.taken_over:
            raise TakeoverError("reported before")
        with self.lock:
            before = read_all(self.path)
            if not self.is_noted(before):
                self.taken_over = True
                raise TakeoverError("other bytes than those that the last writer noted down")
            append_lines(self.path, entries)
            self.note(before + b"".join(entries))

    def note_after(self, before, content):
        # A change without the lock stays visible until the next load, also when it is undone.
        self.note(content if self.is_noted(before) else None)

    def note(self, content):
        with open(f"{self.path}.noted", "w") as file:
            file.write("changed" if content is None else hashlib.sha256(content).hexdigest())

    def is_noted(self, content):
        try:
            with open(f"{self.path}.noted") as file:
                return file.read() == hashlib.sha256(content).hexdigest()
        except FileNotFoundError:
            return True
