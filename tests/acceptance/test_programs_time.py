"""The clocks and waits of a program are in virtual time, and its sums of them come out right."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness
from tests.acceptance.programs import found, script, shortcomings

pytestmark = pytest.mark.requires("kernel-gate", "clock of programs")

SCENARIO = """\
about: A program measures a wait, and writes only if it is what it should be.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, think_steps: 20}
  - {role: program, name: script, argv: %s, delay_steps: 0}
schedules: 2
expect:
  ledger: {may: []}
"""
WRONG = "it is wrong about how long it waits"
#: A wait of two hours: in real time the test would not end.
FRAME = """\
import ctypes, os, queue, select, socket, struct, subprocess, sys, threading, time
libc = ctypes.CDLL(None)
HOURS = 7200
def elapsed(wait):
    before = time.monotonic(), time.time()
    got = wait()
    return got, time.monotonic() - before[0], time.time() - before[1]
def times_out(wait, nothing):
    got, passed, date = elapsed(wait)
    assert got == nothing and HOURS <= passed < HOURS + 1 and abs(date - passed) < 0.1, (got, passed, date)
def comes(wait, expected):
    got, passed, _ = elapsed(wait)
    assert got == expected and passed < 60, (got, passed)
reading, writing = os.pipe()
%s
open(sys.argv[1], "a").write("fine\\n")
"""
WAITS = {
    "sleep": "times_out(lambda: time.sleep(HOURS), None)",
    "select": "times_out(lambda: select.select([reading], [], [], HOURS), ([], [], []))",
    "select, which says what is left": (
        "left = ctypes.create_string_buffer(struct.pack('2q', HOURS, 0))\n"
        "times_out(lambda: (libc.select(0, None, None, None, left), *struct.unpack('2qx', left)), (0, 0, 0))"
    ),
    "poll": "one = select.poll(); one.register(reading); times_out(lambda: one.poll(HOURS * 1000), [])",
    "epoll": "one = select.epoll(); one.register(reading); times_out(lambda: one.poll(HOURS), [])",
    "event": "times_out(lambda: threading.Event().wait(HOURS), False)",
    "lock": "one = threading.Lock(); one.acquire(); times_out(lambda: one.acquire(timeout=HOURS), False)",
    "socket": (
        "ours, theirs = socket.socketpair(); ours.settimeout(HOURS)\n"
        "def receive():\n"
        "    try: ours.recv(1)\n"
        "    except TimeoutError: return 'late'\n"
        "times_out(receive, 'late')"
    ),
    "a child's end": "times_out(lambda: subprocess.run(['sleep', str(HOURS)]).returncode, 0)",
    # It asks twenty times a second.
    "a child that is too slow": (
        "HOURS = 2\n"
        "def wait():\n"
        "    try: subprocess.run(['sleep', '9000000'], timeout=HOURS)\n"
        "    except subprocess.TimeoutExpired: return 'late'\n"
        "times_out(wait, 'late')"
    ),
}
EVENTS = {
    "a queue": (
        "one = queue.Queue(); threading.Thread(target=lambda: (time.sleep(5), one.put(1))).start()\n"
        "comes(lambda: one.get(timeout=HOURS), 1)"
    ),
    "a pipe": (
        "threading.Thread(target=lambda: (time.sleep(5), os.write(writing, b'x'))).start()\n"
        "comes(lambda: select.select([reading], [], [], HOURS)[0], [reading])"
    ),
    "what is left of a select": (
        "threading.Thread(target=lambda: (time.sleep(5), os.write(writing, b'x'))).start()\n"
        "left = ctypes.create_string_buffer(struct.pack('2q', HOURS, 0))\n"
        "wanted = ctypes.create_string_buffer((1 << reading).to_bytes(128, 'little'))\n"
        "comes(lambda: libc.select(reading + 1, wanted, None, None, left), 1)\n"
        "assert HOURS - 6 <= struct.unpack('2qx', left)[0] < HOURS - 4, left.raw"
    ),
    "any event that there is": (
        "threading.Thread(target=lambda: (time.sleep(5), os.write(writing, b'x'))).start()\n"
        "comes(lambda: libc.poll(struct.pack('ihh', reading, -1, 0), 1, HOURS * 1000), 1)"
    ),
    "a pipe of a child": (
        "child = subprocess.Popen(['sh', '-c', 'sleep 5; echo x'], stdout=subprocess.PIPE)\n"
        "comes(lambda: child.communicate(timeout=HOURS)[0], b'x\\n')"
    ),
    "an event that is there": (
        "os.write(writing, b'x')\ncomes(lambda: select.select([reading], [], [], HOURS)[0], [reading])"
    ),
    "a signal": (
        "import signal; signal.signal(signal.SIGUSR1, lambda *_: os.write(writing, b'x'))\n"
        "child = subprocess.Popen(['sh', '-c', f'sleep 5; kill -USR1 {os.getpid()}'])\n"
        "comes(lambda: select.select([reading], [], [], HOURS)[0], [reading])"
    ),
}
CLOCKS = {
    "they do not go back": "seen = [time.time_ns() for _ in range(9999)]; assert seen == sorted(seen)",
    "a loop comes to its end": "until = time.monotonic() + 5\nwhile time.monotonic() < until: pass",
    "a copy of a process has them too": (
        "before = time.time()\n"
        "child = os.fork()\n"
        "if not child: time.sleep(100); os._exit(not 100 <= time.time() - before < 101)\n"
        "assert os.waitpid(child, 0)[1] == 0 and 100 <= time.time() - before < 101"
    ),
    "files have their stamps": (
        "path = sys.argv[1] + '.own'; open(path, 'w').close()\n"
        "assert abs(os.stat(path).st_mtime - time.time()) < 1"
    ),
    "processor time is little": "time.sleep(1000); assert time.process_time() < 2000",
}


KINDS = {
    "waits": WAITS,
    "events": EVENTS,
    "clocks": CLOCKS | {WRONG: "times_out(lambda: time.sleep(1), None)"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_wait_takes_its_time_and_no_more(harness: Harness, tmp_path: Path, kind: str) -> None:
    texts = {}
    for number, (name, body) in enumerate(KINDS[kind].items()):
        argv = script(tmp_path, f"script-{number}.py", FRAME % body, sys.executable, "-I", "-S")
        texts[name] = SCENARIO % json.dumps([*argv, "{transcript}"])
    short = shortcomings(found(harness, tmp_path, texts))
    if WRONG in texts:
        # A program that finds another answer than it expects does not pass.
        assert "exit status 1" in str(short.pop(WRONG))
    assert short == {}
