"""Fences that start programs and keep children, a method each."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, ClassVar

from harness.lanes.child_services import Service
from tests.harness.gates.kernel.words import Words

__all__ = ["Crowding", "Loose", "serving"]

#: Answers each line: ``read``, ``append TEXT``, ``wait SECONDS``, ``threads``, ``quit``.
_SERVER = """
import os, sys, threading, time
path = sys.argv[1]
def append(text):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(fd, text.encode() + b"\\n")
    os.close(fd)
print("ready", flush=True)
for line in sys.stdin:
    word, _, text = line.strip().partition(" ")
    answer = "done"
    if word == "read":
        with open(path) as file:
            answer = str(len(file.read()))
    elif word == "append":
        append(text)
    elif word == "wait":
        time.sleep(float(text))
    elif word == "threads":
        some = [threading.Thread(target=append, args=(f"t{n}",)) for n in range(3)]
        for one in some: one.start()
        for one in some: one.join()
    elif word == "quit":
        os._exit(0)
    elif word == "hang":
        sys.stdin.readline()
    elif word == "late":
        print(answer, flush=True)
        append(text)
        continue
    print(answer, flush=True)
"""

_WAKES = """
import os, sys, threading
ask, answer = os.eventfd(0), os.eventfd(0)
shared = os.eventfd(0, 0)
def serve():
    for _ in range(int(sys.argv[2])):
        os.eventfd_read(ask)
        os.eventfd_write(answer, 1)
served = threading.Thread(target=serve)
served.start()
for _ in range(int(sys.argv[2])):
    os.eventfd_write(ask, 1)
    os.eventfd_read(answer)
served.join()
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
os.write(fd, b"woken\\n")
os.close(fd)
child = os.fork()
if child == 0:
    os._exit(os.eventfd(0) - 960)
print(ask, answer, shared < 960, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

_HANDS_OVER = """
import os, sys, threading
ask, answer = os.eventfd(0), os.eventfd(0)
def serve():
    for _ in range(5):
        os.eventfd_read(ask)
        fd = os.open(sys.argv[1], os.O_RDONLY)
        os.close(fd)
        os.eventfd_write(answer, 1)
served = threading.Thread(target=serve)
served.start()
for _ in range(5):
    os.eventfd_write(ask, 1)
    os.eventfd_read(answer)
    fd = os.open("/proc/self/stat", os.O_RDONLY)
    os.read(fd, 100)
    os.close(fd)
served.join()
"""

_kept: dict[str, Any] = {}


def serving(program: str, transcript: str) -> subprocess.Popen[bytes]:
    """Start a child that answers lines, and return it once it is ready."""
    child = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", program, transcript],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


class Crowding(Words):
    """The children of a process are kept over schedules, in a variable of the module."""

    def look(self) -> None:
        os.stat(self.path)

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, self.site.lane.encode() + b"\n")
        os.close(fd)

    def _run(self, *argv: str) -> str:
        done = subprocess.run(
            argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"]}, cwd=os.path.dirname(self.path),
        )  # fmt: skip
        return f"{done.returncode} {done.stderr or done.stdout}".strip()

    def sed(self) -> str:
        return self._run("sed", "-i", "s/aaaa/cccc/", self.path)

    def mv(self) -> str:
        return self._run("mv", self.path, self.path + ".old")

    def cp(self) -> str:
        return self._run("cp", self.path, self.path + ".copy")

    def shell(self, script: str) -> str:
        return self._run("bash", "-c", script)

    def pipe(self) -> str:
        return self.shell(f"(echo x; echo y; echo z) | tee -a {self.path} | cat > {self.path}.n")

    def two_writers(self) -> str:
        one, other = (f"for i in 1 2 3; do echo {name}$i >> {self.path}; done" for name in "ab")
        return self.shell(f"{one} & {other}; wait")

    def background(self) -> str:
        subprocess.Popen(
            ["sh", "-c", f"echo late >> {self.path}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return "started"

    def wakes(self) -> str:
        """A program whose threads wake each other fifty times; says under which numbers."""
        return self._python(_WAKES, "50")

    def wakes_often(self) -> str:
        return self._python(_WAKES, "500")

    def hands_over(self) -> str:
        """A program of which one thread closes the transcript, whose number another one then has."""
        return self._python(_HANDS_OVER)

    def takes_a_number(self) -> str:
        """A program that has the transcript under a number that the gate gives to event descriptors."""
        return self._python("import os, sys; os.dup2(os.open(sys.argv[1], os.O_RDONLY), 970)")

    def runs_out_of_numbers(self) -> str:
        return self._python("import os; print(max(os.eventfd(0) for _ in range(70)))")

    def _python(self, script: str, *arguments: str) -> str:
        return self._run(sys.executable, "-I", "-S", "-c", script, self.path, *arguments)

    def sleeps(self) -> str:
        return self.shell(f"sleep 30; echo late >> {self.path}")

    def flocks(self) -> str:
        return self.shell(f"exec 9>> {self.path}.flock; flock 9; echo locked >> {self.path}")

    def daemon(self) -> str:
        return self.shell(f"(setsid sh -c 'echo d >> {self.path}' >/dev/null 2>&1 &) ; exit 0")

    def leaves_one(self) -> str:
        """A process that has not ended when everything is over."""
        return self.shell(f"(setsid bash -c 'kill -STOP $BASHPID' >/dev/null 2>&1 &) ; echo x >> {self.path}")

    def never_ends(self) -> str:
        return self.shell("kill -STOP $$")

    def talks_for_ever(self) -> str:
        return self.shell("yes > /dev/null")

    def stores(self) -> str:
        """Through a shared mapping, which is no call."""
        code = "import mmap, sys; f = open(sys.argv[1], 'r+b'); mmap.mmap(f.fileno(), 0)[0:1] = b'X'"
        return self._run(sys.executable, "-S", "-E", "-c", code, self.path)

    def forks_in_python(self) -> str:
        pid = os.fork()
        if pid == 0:
            self.write()
            os._exit(7)
        return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    def outside(self) -> str:
        return self.shell(f"echo x > {os.path.dirname(self.path)}/../made")

    # A child for all lanes

    one_at_a_time: ClassVar[bool] = True

    @classmethod
    def start_service(cls, transcript: str) -> None:
        child = serving(_SERVER, transcript)
        _kept["server"] = child, Service(child.pid, cls.one_at_a_time)

    def _ask(self, line: str) -> str:
        child, service = _kept["server"]
        with service.request():
            os.write(child.stdin.fileno(), line.encode() + b"\n")
            return os.read(child.stdout.fileno(), 100).decode().strip()

    def pid(self) -> str:
        return str(_kept["server"][0].pid)

    def ask_read(self) -> str:
        return self._ask("read")

    def ask_append(self) -> str:
        return self._ask(f"append {self.site.lane}")

    def ask_wait(self) -> str:
        return self._ask("wait 100")

    def ask_threads(self) -> str:
        return self._ask("threads")

    def ask_quit(self) -> str:
        return self._ask("quit")

    def ask_hang(self) -> str:
        return self._ask("hang")

    def ask_late(self) -> str:
        return self._ask("late x")


class Loose(Crowding):
    """Its child may do several things at a time."""

    one_at_a_time = False
