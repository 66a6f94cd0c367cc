"""Timers that send a signal or make a descriptor readable follow virtual time: programs wait hours of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness
from tests.acceptance.programs import found, script, shortcomings

pytestmark = pytest.mark.requires("kernel-gate", "clock of programs")

SCENARIO = """\
about: A program waits for its timers, and writes only if they end when they should.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, think_steps: 20}
  - {role: program, name: script, argv: %s, delay_steps: 0}
schedules: 2
expect:
  ledger: {may: []}
"""
#: A wait of two hours: in real time the test would not end.
FRAME = """\
import ctypes, errno, fcntl, os, select, signal, socket, struct, subprocess, sys, threading, time
HOURS, SECOND, ALARM = 7200, 10**9, signal.SIGALRM
started = time.monotonic()
got = []
def seen(number, frame): got.append((number, round(time.monotonic() - started)))
def elapsed(): return round(time.monotonic() - started)
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    answer = getattr(libc, name)(*args)
    if answer < 0: raise OSError(ctypes.get_errno(), name)
    return answer
def spec(value, interval=0):
    fields = (*divmod(round(interval * SECOND), SECOND), *divmod(round(value * SECOND), SECOND))
    return struct.pack("4q", *fields)
def left(answered):
    fields = struct.unpack("4q", answered)
    return fields[2] + fields[3] / SECOND, fields[0] + fields[1] / SECOND
REALTIME, MONOTONIC, ABSOLUTE = 0, 1, 1
class Timer:
    def __init__(self, number=ALARM, clock=MONOTONIC, value=7, how=0, tid=0):
        self.id = ctypes.c_void_p()
        event = struct.pack("Qiii", value, number, how, tid).ljust(64, b"\\0")
        call("timer_create", clock, event if number else None, ctypes.byref(self.id))
    def set(self, value, interval=0, flags=0):
        old = ctypes.create_string_buffer(32)
        call("timer_settime", self.id, flags, spec(value, interval), old)
        return left(old.raw)
    def left(self):
        now = ctypes.create_string_buffer(32)
        call("timer_gettime", self.id, now)
        return left(now.raw)
    def overrun(self): return call("timer_getoverrun", self.id)
    def delete(self): call("timer_delete", self.id)
class File:
    def __init__(self, clock=MONOTONIC, flags=0): self.fd = call("timerfd_create", clock, flags)
    def set(self, value, interval=0, flags=0):
        old = ctypes.create_string_buffer(32)
        call("timerfd_settime", self.fd, flags, spec(value, interval), old)
        return left(old.raw)
    def left(self):
        now = ctypes.create_string_buffer(32)
        call("timerfd_gettime", self.fd, now)
        return left(now.raw)
    def read(self): return struct.unpack("Q", os.read(self.fd, 8))[0]
def fails(code, what, *args):
    try: what(*args)
    except OSError as error: assert error.errno == code, error
    else: raise AssertionError(what)
signal.signal(ALARM, seen)
failed = []
for name, body in %r.items():
    child = os.fork()
    if child == 0:
        started = time.monotonic()
        try: exec(body, globals())
        except BaseException as error: sys.stderr.write(f"{name}: {error!r}\\n"); os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]: failed.append(name)
assert not failed, failed
open(sys.argv[1], "a").write("fine\\n")
"""
ALARMS = {
    "alarm ends a pause": "signal.alarm(HOURS); signal.pause(); assert got == [(ALARM, HOURS)], got",
    "to the microsecond": (
        "signal.alarm(HOURS); signal.pause(); late = time.monotonic() - started - HOURS\n"
        "assert 0 <= late < 0.000001, late"
    ),
    "alarm ends a sleep of a process": (
        "signal.alarm(HOURS)\n"
        "class Late(Exception): pass\n"
        "def late(*_): raise Late\n"
        "signal.signal(ALARM, late)\n"
        "try: time.sleep(9 * HOURS)\n"
        "except Late: assert elapsed() == HOURS, elapsed()\n"
        "else: raise AssertionError"
    ),
    "nanosleep says what is left": (
        "class Spec(ctypes.Structure): _fields_ = [('s', ctypes.c_long), ('ns', ctypes.c_long)]\n"
        "rest = Spec()\n"
        "signal.alarm(HOURS)\n"
        "fails(errno.EINTR, call, 'nanosleep', ctypes.byref(Spec(3 * HOURS, 5)), ctypes.byref(rest))\n"
        "assert abs(rest.s + rest.ns / SECOND - 2 * HOURS) < 0.1, (rest.s, rest.ns)"
    ),
    "setitimer again and again": (
        "signal.setitimer(signal.ITIMER_REAL, HOURS, 60)\n"
        "while len(got) < 3: signal.pause()\n"
        "assert [at for _, at in got] == [HOURS, HOURS + 60, HOURS + 120], got\n"
        "value, interval = signal.getitimer(signal.ITIMER_REAL)\n"
        "assert 59.9 < value <= 60 and interval == 60, (value, interval)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0); time.sleep(HOURS)\n"
        "assert len(got) == 3 and signal.getitimer(signal.ITIMER_REAL) == (0, 0)"
    ),
    "alarm says what was left": (
        "assert signal.alarm(100) == 0; time.sleep(30.2); assert signal.alarm(5) == 70\n"
        "time.sleep(3); assert signal.alarm(0) == 2; time.sleep(60); assert not got"
    ),
    "an alarm without a handler kills": (
        "child = os.fork()\n"
        "if not child: signal.signal(ALARM, signal.SIG_DFL); signal.alarm(HOURS); time.sleep(9 * HOURS)\n"
        "assert os.waitpid(child, 0)[1] == ALARM and elapsed() == HOURS, elapsed()"
    ),
    "one that is ignored does nothing, also later": (
        "signal.signal(ALARM, signal.SIG_IGN); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
        "time.sleep(HOURS); signal.setitimer(signal.ITIMER_REAL, 1, 0)\n"
        "signal.signal(ALARM, seen); assert not got; signal.pause()\n"
        "assert got == [(ALARM, HOURS + 1)], got\n"
        "signal.signal(ALARM, signal.SIG_IGN); signal.alarm(1); time.sleep(5)\n"
        "signal.signal(ALARM, seen); time.sleep(5); assert len(got) == 1"
    ),
    "one that is ignored and blocked is waited for": (
        "signal.signal(ALARM, signal.SIG_IGN); signal.pthread_sigmask(signal.SIG_BLOCK, [ALARM])\n"
        "signal.alarm(HOURS); assert signal.sigwait([ALARM]) == ALARM and elapsed() == HOURS"
    ),
    "one that is blocked waits": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, [ALARM]); signal.setitimer(signal.ITIMER_REAL, 1, 1)\n"
        "time.sleep(100); assert not got and signal.sigpending() == {ALARM}\n"
        "assert signal.sigwait([ALARM]) == ALARM; assert elapsed() == 100, elapsed()"
    ),
    "sigtimedwait": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, [ALARM]); signal.alarm(HOURS)\n"
        "assert signal.sigtimedwait([ALARM], HOURS / 2) is None and elapsed() == HOURS / 2\n"
        "assert signal.sigtimedwait([ALARM], HOURS).si_signo == ALARM and elapsed() == HOURS"
    ),
    "ppoll with a mask of signals": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, [ALARM]); signal.alarm(HOURS)\n"
        "late = struct.pack('2q', 3 * HOURS, 0)\n"
        "fails(errno.EINTR, call, 'ppoll', None, 0, late, bytes(128)); assert elapsed() == HOURS, elapsed()"
    ),
    "a child inherits none": (
        "signal.alarm(HOURS); child = os.fork()\n"
        "if not child: time.sleep(2 * HOURS); os._exit(len(got))\n"
        "while True:\n"
        "    try: assert os.waitpid(child, 0)[1] == 0\n"
        "    except InterruptedError: continue\n"
        "    break\n"
        "assert got == [(ALARM, HOURS)], got"
    ),
    "another program inherits it": (
        "child = os.fork()\n"
        "if not child: signal.alarm(HOURS); os.execvp('sleep', ['sleep', str(9 * HOURS)])\n"
        "assert os.waitpid(child, 0)[1] == ALARM and elapsed() == HOURS, elapsed()"
    ),
    "a program that is not there leaves all as it was": (
        "signal.signal(signal.SIGUSR1, seen)\n"
        "signal.alarm(HOURS); other = Timer(signal.SIGUSR1); other.set(60)\n"
        "fails(errno.ENOENT, os.execv, '/no/such', ['x']); signal.pause(); signal.pause()\n"
        "assert got == [(signal.SIGUSR1, 60), (ALARM, HOURS)], got"
    ),
    "the first thread gets it, the others wait on": (
        "waited = []\n"
        "one = threading.Thread(target=lambda: waited.append((threading.Event().wait(HOURS), elapsed())))\n"
        "one.start(); signal.alarm(60); time.sleep(100); one.join()\n"
        "assert got == [(ALARM, 60)] and waited == [(False, HOURS)], (got, waited)"
    ),
    "an flock is given up": (
        "path = sys.argv[1] + '.own'; ours, theirs = open(path, 'w'), open(path, 'w')\n"
        "fcntl.flock(ours, fcntl.LOCK_EX); libc.siginterrupt(ALARM, 1); signal.alarm(HOURS)\n"
        "fails(errno.EINTR, call, 'flock', theirs.fileno(), fcntl.LOCK_EX)\n"
        "assert elapsed() == HOURS, elapsed()"
    ),
    "a record lock is given up": (
        "path = sys.argv[1] + '.own'; file = open(path, 'w')\n"
        "reading, writing = os.pipe(); child = os.fork()\n"
        "if not child: fcntl.lockf(file, fcntl.LOCK_EX); os.write(writing, b'x'); time.sleep(9 * HOURS)\n"
        "os.read(reading, 1); signal.alarm(HOURS)\n"
        "class Late(Exception): pass\n"
        "def late(*_): raise Late\n"
        "signal.signal(ALARM, late)\n"
        "try: fcntl.lockf(file, fcntl.LOCK_EX)\n"
        "except Late: assert elapsed() == HOURS, elapsed()\n"
        "else: raise AssertionError\n"
        "os.kill(child, signal.SIGKILL)"
    ),
    "the lock comes before the alarm": (
        "path = sys.argv[1] + '.own'; child = os.fork()\n"
        "if not child:\n"
        "    file = open(path, 'w'); fcntl.flock(file, fcntl.LOCK_EX); open(path + '2', 'w').close()\n"
        "    time.sleep(60); os._exit(0)\n"
        "while not os.path.exists(path + '2'): time.sleep(1)\n"
        "signal.alarm(HOURS); fcntl.flock(open(path), fcntl.LOCK_EX); assert signal.alarm(0) > HOURS - 62\n"
        "assert not got"
    ),
}
TIMERS = {
    "once": "Timer().set(HOURS); signal.pause(); assert got == [(ALARM, HOURS)], got",
    "without an event": "Timer(0).set(HOURS); signal.pause(); assert got == [(ALARM, HOURS)], got",
    "at a time": (
        "Timer(clock=REALTIME).set(time.time() + HOURS, 0, ABSOLUTE); signal.pause()\n"
        "assert got == [(ALARM, HOURS)], got"
    ),
    "at a time that is over": "Timer().set(1, 0, ABSOLUTE); signal.pause(); assert got == [(ALARM, 0)], got",
    "with what it carries": (
        "number = signal.SIGRTMIN + 1; signal.pthread_sigmask(signal.SIG_BLOCK, [number])\n"
        "Timer(number, value=1234567890123).set(HOURS)\n"
        "info = ctypes.create_string_buffer(128)\n"
        "wanted = struct.pack('Q', 1 << number - 1).ljust(128, b'\\0')\n"
        "assert call('sigwaitinfo', wanted, info) == number and elapsed() == HOURS\n"
        "found = struct.unpack('iii4xiiQ', info.raw[:32])\n"
        "assert found[0] == number and found[2] == -2 and found[4:] == (0, 1234567890123), found"
    ),
    "to a thread": (
        "where = []\n"
        "wanted = {signal.SIGUSR1}\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, wanted)\n"
        "def wait():\n"
        "    Timer(signal.SIGUSR1, how=4, tid=threading.get_native_id()).set(HOURS)\n"
        "    where.append((signal.sigwait(wanted), elapsed()))\n"
        "one = threading.Thread(target=wait); one.start()\n"
        "assert signal.sigtimedwait(wanted, 2 * HOURS) is None; one.join()\n"
        "assert where == [(signal.SIGUSR1, HOURS)], where"
    ),
    "how often it ended meanwhile": (
        "one = Timer(); signal.pthread_sigmask(signal.SIG_BLOCK, [ALARM]); one.set(60, 60)\n"
        "time.sleep(HOURS + 1); signal.pthread_sigmask(signal.SIG_UNBLOCK, [ALARM])\n"
        "assert one.overrun() == HOURS // 60 - 1, one.overrun()\n"
        "signal.pause(); assert [at for _, at in got] == [HOURS + 1, HOURS + 60] and one.overrun() == 0, got"
    ),
    "what is left of it": (
        "one = Timer(); assert one.left() == (0, 0) and one.set(HOURS, 60) == (0, 0); time.sleep(100)\n"
        "value, interval = one.left(); assert interval == 60 and abs(value - HOURS + 100) < 0.1, value\n"
        "value, interval = one.set(0); assert interval == 60 and abs(value - HOURS + 100) < 0.1, value\n"
        "time.sleep(HOURS); assert one.left() == (0, 0) and not got"
    ),
    "several": (
        "for at in (30, 10, 20): Timer().set(at)\n"
        "while len(got) < 3: signal.pause()\n"
        "assert [at for _, at in got] == [10, 20, 30], got"
    ),
    "that was deleted": (
        "one = Timer(); one.set(60); one.delete(); time.sleep(HOURS); assert not got\n"
        "fails(errno.EINVAL, one.left); fails(errno.EINVAL, one.delete)"
    ),
    "one that is silent": (
        "one = Timer(how=1); one.set(60); time.sleep(30); assert abs(one.left()[0] - 30) < 0.1\n"
        "time.sleep(HOURS); assert one.left() == (0, 0) and not got"
    ),
    "another program has none": (
        "child = os.fork()\n"
        "if not child:\n"
        "    signal.signal(ALARM, signal.SIG_DFL); Timer().set(60); os.execvp('sleep', ['sleep', '100'])\n"
        "assert os.waitpid(child, 0)[1] == 0 and elapsed() == 100, elapsed()"
    ),
    "one that the kernel refuses": (
        "fails(errno.EINVAL, Timer, 99); fails(errno.EINVAL, Timer, ALARM, 77); one = Timer()\n"
        "fails(errno.EINVAL, one.set, -1); fails(errno.EINVAL, Timer, ALARM, MONOTONIC, 0, 4, 1)"
    ),
}
FILES = {
    "a read waits": "one = File(); one.set(HOURS); assert one.read() == 1 and elapsed() == HOURS, elapsed()",
    "at a time": (
        "one = File(REALTIME); one.set(time.time() + HOURS, 0, ABSOLUTE)\n"
        "assert one.read() == 1 and elapsed() == HOURS, elapsed()"
    ),
    "poll waits": (
        "one = File(); one.set(HOURS); wait = select.poll(); wait.register(one.fd, select.POLLIN)\n"
        "assert wait.poll() == [(one.fd, select.POLLIN)] and elapsed() == HOURS\n"
        "assert one.read() == 1 and wait.poll(1000) == []"
    ),
    "epoll with a time-out waits": (
        "one = File(); one.set(HOURS, HOURS); wait = select.epoll(); wait.register(one.fd)\n"
        "assert wait.poll(HOURS / 2) == [] and wait.poll(HOURS) and elapsed() == HOURS, elapsed()\n"
        "assert one.read() == 1 and wait.poll(9 * HOURS) and elapsed() == 2 * HOURS"
    ),
    "it counts": (
        "one = File(); one.set(60, 60); time.sleep(HOURS + 1); assert one.read() == HOURS // 60\n"
        "assert one.read() == 1 and elapsed() == HOURS + 60"
    ),
    "none to read": (
        "one = File(flags=os.O_NONBLOCK); one.set(60); fails(errno.EAGAIN, one.read); time.sleep(61)\n"
        "assert one.read() == 1; fails(errno.EAGAIN, one.read)"
    ),
    "flags": (
        "one, other = File(), File(flags=os.O_CLOEXEC)\n"
        "assert os.get_inheritable(one.fd) and not os.get_inheritable(other.fd) and other.fd == one.fd + 1\n"
        "assert os.get_blocking(one.fd) and not os.get_blocking(File(flags=os.O_NONBLOCK).fd)"
    ),
    "what is left of it": (
        "one = File(); assert one.left() == (0, 0) and one.set(HOURS, 60) == (0, 0); time.sleep(100)\n"
        "value, interval = one.left(); assert interval == 60 and abs(value - HOURS + 100) < 0.1, value\n"
        "assert one.set(30)[1] == 60 and one.read() == 1 and elapsed() == 130 and one.left() == (0, 0)"
    ),
    "set again, it forgets": (
        "one = File(flags=os.O_NONBLOCK); one.set(60); time.sleep(61); one.set(HOURS)\n"
        "fails(errno.EAGAIN, one.read); one.set(0); time.sleep(2 * HOURS); fails(errno.EAGAIN, one.read)"
    ),
    "closed, it does nothing": (
        "one = File(); one.set(60, 60); time.sleep(1); os.close(one.fd); signal.alarm(HOURS)\n"
        "signal.pause(); assert got == [(ALARM, HOURS + 1)], got"
    ),
    "a copy is the same": (
        "one = File(); other = os.dup(one.fd); one.set(60); os.close(one.fd); one.fd = other\n"
        "assert one.left()[0] > 59 and one.read() == 1 and elapsed() == 60"
    ),
    "a child has the same": (
        "one = File(); one.set(60); child = os.fork()\n"
        "if not child: one.set(HOURS, 0); os._exit(0)\n"
        "os.waitpid(child, 0); assert one.read() == 1 and elapsed() == HOURS, elapsed()"
    ),
    "a child alone has it": (
        "reading, writing = os.pipe(); one = File(); one.set(HOURS)\n"
        "if not os.fork(): os.write(writing, b'%d' % one.read()); os._exit(0)\n"
        "os.close(one.fd); assert os.read(reading, 9) == b'1' and elapsed() == HOURS, elapsed()"
    ),
    "one that ends all the time lets its program work": (
        "one = File(); one.set(0.001, 0.001)\n"
        "with open(sys.argv[1] + '.own', 'a', buffering=1) as file:\n"
        "    for _ in range(50): file.write('line\\n')\n"
        "assert one.read() >= 50"
    ),
    "what the kernel refuses": (
        "fails(errno.EINVAL, File, 77); fails(errno.EINVAL, File, MONOTONIC, 1); one = File()\n"
        "fails(errno.EINVAL, one.set, 1, 0, 8); fails(errno.EINVAL, one.set, -1); one.fd = 77\n"
        "fails(errno.EBADF, one.set, 1); one.fd = os.pipe()[0]; fails(errno.EINVAL, one.set, 1)"
    ),
}


KINDS = {"alarm": ALARMS, "timer": TIMERS, "descriptor": FILES}


def test_timers_end_at_their_virtual_time(harness: Harness, tmp_path: Path) -> None:
    texts = {}
    for kind, bodies in KINDS.items():
        argv = script(tmp_path, f"{kind}.py", FRAME % bodies, sys.executable, "-I", "-S")
        texts[kind] = SCENARIO % json.dumps([*argv, "{transcript}"])
    assert shortcomings(found(harness, tmp_path, texts)) == {}
