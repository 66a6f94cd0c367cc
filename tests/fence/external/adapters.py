"""A minimal adapter in Python that can be made to fail in one way.

Run it as a program with the name of the failure, and optionally of the request at which it occurs.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = [
    "DATED",
    "DIES_LATER",
    "FAULTS",
    "KEEPS_STATE",
    "RANDOM_IDS",
    "REAL_POLLS",
    "REAL_WAITS",
    "command",
]

PROGRAM = Path(__file__)
#: A fault that comes after the answer to the request.
DIES_LATER = "dies_later"
#: No fault: its lines are other ones in each schedule, and the same in each run of it.
RANDOM_IDS = "random_ids"
#: Likewise, with dates and what it reads from files that give random numbers.
DATED = "dated"
#: Likewise, with numbers that go on over schedules: a counter, a pool of random bytes, its own generator.
KEEPS_STATE = "keeps_state"
#: No fault: it waits for the lock by the machine's clock, and gives up after a tenth of a second of that.
REAL_WAITS = "real_waits"
#: Likewise, and does not give up: how often it looks within a time of the machine's is chance.
REAL_POLLS = "real_polls"
#: If more than one process uses the lock, time must be real.
_POLL_MS = 50


def command(fault: str = "none", at: str = "guarded_write") -> str:
    """Return the command that starts it."""
    # -I and -S: it is started hundreds of times, and needs no installed package.
    return shlex.join([sys.executable, "-I", "-S", str(PROGRAM), fault, at])


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


class Adapter:
    """Plain appends under a lock file; no check at all."""

    def __init__(self) -> None:
        self.path = ""

    def begin_schedule(self, request: dict[str, Any]) -> dict[str, Any]:
        self.path = request["transcript"]
        return {}

    def acquire(self, request: dict[str, Any]) -> dict[str, Any]:
        deadline = request["now_ms"] + 60_000
        while True:
            try:
                os.close(os.open(f"{self.path}.lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                return {}
            except FileExistsError:
                say(request["id"], sleep_ms=_POLL_MS)
                if heard()["now_ms"] > deadline:
                    return {"answer": "lock_timeout", "message": "held"}

    begin_turn = acquire

    def release(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            os.unlink(f"{self.path}.lock")
        except FileNotFoundError:
            return {"answer": "stale_lock", "message": "not held"}
        return {}

    release_for_prompt = release

    def end_turn(self, request: dict[str, Any]) -> dict[str, Any]:
        self.release(request)
        return {}

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        import base64

        return {"base64": base64.b64encode(_read(self.path)).decode()}

    def append(self, request: dict[str, Any]) -> dict[str, Any]:
        import base64

        lines = [line.encode() for line in request.get("entries", ())]
        lines += [base64.b64decode(line) for line in request.get("entries_base64", ())]
        with open(self.path, "ab") as file:
            file.write(b"".join(lines))
        return {}

    def guarded_write(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.acquire(request)
        if answer:
            return answer
        self.append(request)
        return self.release(request)


class RealWaits(Adapter):
    """Waits as the libraries of its language do, of which virtual time knows nothing."""

    limit_s = 0.1

    def acquire(self, request: dict[str, Any]) -> dict[str, Any]:
        import select

        deadline = time.monotonic() + self.limit_s
        while True:
            try:
                os.close(os.open(f"{self.path}.lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                return {}
            except FileExistsError:
                if time.monotonic() > deadline:
                    return {"answer": "lock_timeout", "message": "held"}
                select.select((), (), (), 0.03)

    begin_turn = acquire


class RealPolls(RealWaits):
    limit_s = 3600


class Stamping(Adapter):
    """Adds to each line what is different each time."""

    def stamps(self) -> list[object]:
        raise NotImplementedError

    def append(self, request: dict[str, Any]) -> dict[str, Any]:
        lines = []
        for entry in request["entries"]:
            found = {**json.loads(entry), "stamps": self.stamps()}
            lines.append(json.dumps(found) + "\n")
        with open(self.path, "a") as file:
            file.writelines(lines)
        return {}


class RandomIds(Stamping):
    """Adds an id to each line: by getrandom, which libraries call once for its life, too."""

    def __init__(self) -> None:
        super().__init__()
        self._drew_once = False

    def stamps(self) -> list[object]:
        import uuid

        if not self._drew_once:
            # As the C library does in the first schedule that needs it.
            os.getrandom(2, os.GRND_NONBLOCK)
            self._drew_once = True
        return [str(uuid.uuid4()), os.urandom(4).hex()]


class Dated(Stamping):
    """Adds dates, and random numbers of a file that stays open, too."""

    def __init__(self) -> None:
        super().__init__()
        self._started = time.time()
        self._open = os.open("/dev/urandom", os.O_RDONLY)

    def stamps(self) -> list[object]:
        drawn = [os.read(self._open, 4).hex()]
        for name in ("/dev/random", "/proc/sys/kernel/random/uuid"):
            with open(name, "rb", 0) as file:
                drawn.append(file.read(16).hex())
        return [self._started, time.time_ns(), time.strftime("%c"), *drawn]


class KeepsState(Stamping):
    """Adds numbers that go on: of a counter, a generator that was seeded at its start, and a pool."""

    def __init__(self) -> None:
        import random

        super().__init__()
        self._count = 0
        self._generator = random.Random()
        self._pool = os.urandom(1024)

    def stamps(self) -> list[object]:
        self._count += 1
        taken, self._pool = self._pool[:8], self._pool[8:]
        return [self._count, self._generator.random(), taken.hex(), os.urandom(8).hex()]


def say(number: int, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"id": number, **fields}) + "\n")
    sys.stdout.flush()


def heard() -> dict[str, Any]:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    found: dict[str, Any] = json.loads(line)
    return found


def _hangs(number: int) -> None:
    while True:
        time.sleep(1000)


def _spins(number: int) -> None:
    while True:
        pass


def _dawdles(number: int) -> None:
    for _ in range(10_000_000):
        pass


def _floods(number: int) -> None:
    while True:
        sys.stdout.write("x" * (1 << 20))


def _floods_lines(number: int) -> None:
    while True:
        sys.stdout.write("{}\n" * 1000)


def _floods_stderr(number: int) -> None:
    while True:
        sys.stderr.write("y" * (1 << 20))


def _writes_too_much(number: int) -> None:
    # Other than Python, most runtimes do not ignore it.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    memory = os.memfd_create("code")
    os.ftruncate(memory, 16 << 20)


def _dies(number: int) -> None:
    print("out of luck", file=sys.stderr, flush=True)
    os._exit(7)


def _aborts(number: int) -> None:
    print("out of luck", file=sys.stderr, flush=True)
    os.abort()


def _is_killed(number: int) -> None:
    os.kill(os.getpid(), 9)


def _meets_a_refusal(number: int) -> None:
    open("/var/tmp/harness-test-is-never-made", "w").close()


def _has_no_memory(number: int) -> None:
    raise MemoryError


def _dies_in_a_line(number: int) -> None:
    sys.stdout.write('{"id": ')
    sys.stdout.flush()
    os._exit(1)


def _talks(number: int) -> None:
    print("hello, world")


def _bad_utf8(number: int) -> None:
    sys.stdout.buffer.write(b'{"id": 1, "answer": "\xff"}\n')


def _other_request(number: int) -> None:
    say(number + 1000, answer="ok")


def _unknown_answer(number: int) -> None:
    say(number, answer="maybe")


def _takeover_without_check(number: int) -> None:
    say(number, answer="takeover")


def _answers_twice(number: int) -> None:
    sys.stdout.write(json.dumps({"id": number, "answer": "ok"}) + "\n")


def _closes(number: int) -> None:
    print("closing", file=sys.stderr, flush=True)
    os.close(1)
    _hangs(number)


def _waits(number: int) -> None:
    say(number, waits=True)


def _doubts(number: int) -> None:
    say(number, doubt="two at once")


def _sleeps_forever(number: int) -> None:
    while True:
        say(number, sleep_ms=10**6)
        heard()


def _leaves_a_child(number: int) -> None:
    if os.fork() == 0:
        os.setsid()
        _hangs(number)
    os._exit(3)


def _nothing(number: int) -> None:
    """No fault."""


#: The failures by name.
FAULTS: dict[str, Callable[[int], None]] = {
    function.__name__.removeprefix("_"): function
    for function in (
        _hangs,
        _spins,
        _dawdles,
        _floods,
        _floods_lines,
        _floods_stderr,
        _writes_too_much,
        _dies,
        _aborts,
        _is_killed,
        _meets_a_refusal,
        _has_no_memory,
        _dies_in_a_line,
        _talks,
        _bad_utf8,
        _other_request,
        _unknown_answer,
        _takeover_without_check,
        _answers_twice,
        _closes,
        _waits,
        _doubts,
        _sleeps_forever,
        _leaves_a_child,
    )
}


def main(fault: str, at: str) -> None:
    """Serve until standard input ends."""
    kinds: dict[str, type[Adapter]] = {
        RANDOM_IDS: RandomIds,
        DATED: Dated,
        KEEPS_STATE: KeepsState,
        REAL_WAITS: RealWaits,
        REAL_POLLS: RealPolls,
    }
    adapter = kinds.get(fault, Adapter)()
    while True:
        request = heard()
        number, do = request["id"], request["do"]
        if do == at:
            FAULTS.get(fault, _nothing)(number)
        if do == "hello":
            answer = {"protocol": 1, "name": "small", "lock": "sidecar", "serves": "lane"}
        elif hasattr(adapter, do):
            answer = getattr(adapter, do)(request)
        else:
            answer = {"answer": "unsupported"}
        say(number, **{"answer": "ok", **answer})
        if (fault, do) == (DIES_LATER, at):
            _dies(number)


if __name__ == "__main__":
    main(*sys.argv[1:])
