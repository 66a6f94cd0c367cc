"""Fences that fork, fail, exit or are killed; a method each."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from harness.scenario.exec_program import launch
from tests.harness.gates.kernel.words import Words

__all__ = ["Dying"]


class Dying(Words):
    """Ways in which a fence's process goes wrong."""

    def look(self) -> None:
        os.stat(self.path)

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x\n")
        os.close(fd)

    def _fork(self, body: Callable[[], object], wait: bool = True) -> int:
        pid = os.fork()
        if pid == 0:
            body()
            os._exit(0)
        return os.waitpid(pid, 0)[1] if wait else pid

    def fork_and_write(self) -> None:
        self._fork(self.write)

    def fork_and_look(self) -> None:
        self._fork(self.look)

    def fork_and_do_nothing(self) -> str:
        return str(self._fork(lambda: None))

    def fork_and_return(self) -> str:
        """The child comes back by the lane's own way."""
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        return "parent" if pid else "child"

    def fork_and_leave(self) -> str:
        """A child that sleeps for good."""
        return str(self._fork(signal.pause, wait=False))

    def ignore_terminate(self) -> str:
        """Does not go when it is asked to."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return str(os.getpid())

    def fork_twice(self) -> str:
        """A daemon: it has no parent in the process any more."""
        reading, writing = os.pipe()

        def daemon() -> None:
            if os.fork() == 0:
                os.setsid()
                os.write(writing, str(os.getpid()).encode())
                signal.pause()
            os._exit(0)

        self._fork(daemon)
        pid = os.read(reading, 20).decode()
        os.close(reading)
        os.close(writing)
        return pid

    def run_true(self) -> str:
        return str(subprocess.run(["true"], check=True).returncode)

    def run_cat(self) -> None:
        subprocess.run(["cat", self.path], check=False, capture_output=True)

    def list_descriptors(self) -> str:
        """As a lane of the role program starts it; its standard output is its standard error here."""
        script = "for fd in /proc/$$/fd/*; do readlink $fd >&2; done; true"
        return launch(["sh", "-c", script], self.path)

    def run_shell_outside(self) -> str:
        script = f"echo x > {os.path.dirname(os.path.dirname(self.path))}/made"
        # A shell looks at its working directory first.
        done = subprocess.run(["sh", "-c", script], check=False, cwd="/", stderr=subprocess.DEVNULL)
        return str(done.returncode)

    def become_true(self) -> None:
        """Another program in the lane's place, which ends well."""
        os.execvp("true", ["true"])

    def become_shell(self) -> None:
        """Another program in the lane's place, which writes to the transcript."""
        os.execvp("sh", ["sh", "-c", f"echo more >> {self.path}"])

    def exit_hard(self) -> None:
        os._exit(3)

    def exit_politely(self) -> None:
        sys.exit(4)

    def kill_itself(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def kill_group(self) -> None:
        os.killpg(os.getpgid(0), signal.SIGKILL)

    def end_by_descriptor(self) -> None:
        signal.pidfd_send_signal(os.pidfd_open(os.getpid()), signal.SIGTERM)

    def abort(self) -> None:
        faulthandler.disable()
        os.abort()

    def be_killed_by_child(self) -> None:
        os.system("kill -9 $PPID")

    def be_faulted_by_child(self) -> None:
        faulthandler.disable()
        os.system("kill -11 $PPID")

    def write_too_much(self) -> None:
        """SIGXFSZ, the limit of the harness."""
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        with open(f"{self.path}.much", "wb") as file:
            file.write(bytes(1 << 12))

    def crash_hard(self) -> None:
        """SIGSEGV."""
        faulthandler.disable()
        ctypes.string_at(0)

    def fail(self) -> None:
        raise ValueError("broken on purpose")

    def fail_without_words(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no words")

        raise Mute

    def close_everything(self) -> None:
        os.closerange(3, 200)

    def make_directory(self) -> None:
        os.mkdir(self.path + ".d")

    def hide_directory(self) -> None:
        """A directory that its own owner may not enter."""
        os.mkdir(self.path + ".d", 0)

    def nap(self) -> None:
        time.sleep(1)
