"""The check of the runtime as the harness calls it."""

from session import Busy, Conflict, Session

from takeover_harness import Fence, LockTimeoutError, TakeoverError


class SessionFence(Fence):
    about = "size and time of the session file"
    lock_kind = "sidecar"  # FILE.lock, made with O_EXCL

    def __init__(self, site):
        super().__init__(site)
        self.session = Session(site.transcript)

    def begin_turn(self):
        self.acquire()

    def load(self):
        return self.session.read()

    def append(self, entries):
        self.session.append(entries)

    def release_for_prompt(self):
        self.session.ask()

    def guarded_write(self, entries):
        try:
            self.session.reply(entries)
        except Conflict as error:
            raise TakeoverError(str(error)) from error
        except Busy as error:
            raise LockTimeoutError(str(error)) from error

    def end_turn(self):
        if self.session.held:
            self.session.unlock()

    def acquire(self):
        try:
            self.session.lock()
        except Busy as error:
            raise LockTimeoutError(str(error)) from error

    def release(self):
        self.session.unlock()
