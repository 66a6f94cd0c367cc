"""An adapter that does what the line to append says, and mostly dies of it; run as a program, isolated."""

import errno
import json
import os
import signal
import sys

OUTSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness-test-is-never-made")


class Deeds:
    """Each names a word."""

    def __init__(self) -> None:
        self.folder = ""
        self.leaves = False

    def write_outside(self) -> None:
        open(OUTSIDE, "w").close()

    def move_outside(self) -> None:
        os.rename(os.path.join(self.folder, "transcript.jsonl"), OUTSIDE)

    def signal_outside(self) -> None:
        os.kill(int(sys.argv[1]), 0)
        os.kill(int(sys.argv[1]), 23)

    def call_what_is_unknown(self) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def fill_a_file(self) -> None:
        with open(os.path.join(self.folder, "big"), "wb") as file:
            file.truncate(9 << 20)

    def fill_a_file_and_be_killed(self) -> None:
        # Python ignores the signal; other languages do not.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        self.fill_a_file()

    def open_a_folder_of_its_own(self) -> None:
        path = os.path.join(self.folder, "own")
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    def open_the_session(self) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self.folder)

    def fail(self) -> None:
        raise ValueError("of my own")

    def leave(self) -> None:
        sys.exit(3)

    def leave_later(self) -> None:
        self.leaves = True


def answer(request: dict, deeds: Deeds) -> dict:
    """Return the answer to a request."""
    do = request["do"]
    if do == "hello":
        return {"answer": "ok", "protocol": 1, "lock": "none", "serves": "process", "operations": []}
    if do == "begin_schedule":
        deeds.folder = os.path.dirname(request["transcript"])
    if do != "append":
        return {"answer": "ok"}
    word, _, how = request["entries"][0].strip().partition(":")
    try:
        getattr(deeds, word)()
    except OSError as error:
        if not how:
            raise
        return {"answer": "error", "message": str(error)} | (
            {"code": errno.errorcode[error.errno]} if how == "coded" else {}
        )
    return {"answer": "ok"}


def main() -> None:
    """Answer one request after another."""
    deeds = Deeds()
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **answer(request, deeds)}), flush=True)
        if deeds.leaves:
            sys.exit(4)


if __name__ == "__main__":
    main()
