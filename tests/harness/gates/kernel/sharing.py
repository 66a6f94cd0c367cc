"""Effects of lanes of one process on each other: memory, locks, pipes, threads of their own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading

from tests.harness.gates.kernel.words import Words

__all__ = ["Sharing"]

_holding_the_gil = ctypes.PyDLL(None)
_READ_END, _WRITE_END = "reading", "writing"


class Sharing(Words):
    """State is kept in ``site.process``, as a fence should."""

    def _lock(self, name: str) -> threading.Lock:
        lock: threading.Lock = self.site.process.setdefault(name, threading.Lock())
        return lock

    def count(self) -> str:
        number = self.site.process["count"] = self.site.process.get("count", 0) + 1
        return str(number)

    def look(self) -> None:
        os.stat(self.path)

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, self.site.lane.encode() + b"\n")
        os.close(fd)

    def under_lock(self) -> None:
        """Three steps with the lock held."""
        with self._lock("a"):
            self.write()

    def a_then_b(self) -> None:
        self._both("a", "b")

    def b_then_a(self) -> None:
        self._both("b", "a")

    def _both(self, first: str, second: str) -> None:
        with self._lock(first):
            os.stat(self.path)
            with self._lock(second):
                os.stat(self.path)

    def under_gil(self) -> None:
        """Stands in a trap with the interpreter's own lock held."""
        _holding_the_gil.access(os.fsencode(self.path), os.R_OK)
        _holding_the_gil.access(os.fsencode(self.path), os.R_OK)

    # A pipe of the process

    def _pipe(self) -> tuple[int, int]:
        if "pipe" not in self.site.process:
            self.site.process["pipe"] = os.pipe()
        pair: tuple[int, int] = self.site.process["pipe"]
        return pair

    def read_pipe(self) -> str:
        return os.read(self._pipe()[0], 10).decode()

    def write_pipe(self) -> None:
        os.write(self._pipe()[1], b"hello")

    # Threads of its own

    def _run(self, body: object) -> None:
        thread = threading.Thread(target=body)  # type: ignore[arg-type]
        thread.start()
        thread.join()

    def thread_computes(self) -> str:
        found: list[int] = []
        self._run(lambda: found.append(sum(range(200_000))))
        return str(found[0])

    def thread_looks_outside(self) -> str:
        found: list[str] = []
        self._run(lambda: found.extend(os.listdir("/proc/self/fd")))
        return "looked" if found else "nothing"

    def thread_writes(self) -> None:
        self._run(self.write)

    def thread_stays(self) -> None:
        """A thread that never ends, asleep."""
        threading.Thread(target=threading.Event().wait, daemon=True).start()

    def timed_wait(self) -> str:
        """Waits in real time for something that never comes."""
        return str(threading.Event().wait(0.021))

    def long_wait(self) -> str:
        return str(threading.Event().wait(0.2))

    def wait_with_a_child(self) -> str:
        """Likewise, beside a process that waits for as long."""
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE):
            return self.long_wait()

    def spin(self) -> None:
        """Never stops."""
        while True:
            pass

    def wait_for_flag(self) -> str:
        flag = self.site.process.setdefault("flag", threading.Event())
        return str(flag.wait())

    def set_flag(self) -> None:
        self.site.process.setdefault("flag", threading.Event()).set()

    def interrupted(self) -> str:
        """A signal reaches the lane while it stands before a call."""
        caught: list[int] = []
        before = signal.signal(signal.SIGUSR1, lambda number, _: caught.append(number))
        pid = os.getpid()
        sender = threading.Timer(0.01, os.kill, (pid, signal.SIGUSR1))
        sender.start()
        sender.join()
        os.stat(self.path)
        signal.signal(signal.SIGUSR1, before)
        return str(len(caught))
