"""Run many cases in processes with limits, and watch each case.

A case that takes 10 s of processor time, needs too much memory, writes outside its folder, starts what it
may not, or ends its process, is a failure; the others go on.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, NamedTuple

import msgspec

__all__ = ["Figures", "attack"]

_CPU_S = 10.0
_PEAK_KIB_MAX = 200 * 1024
_DATA_BYTES_MAX = 1 << 30
_SHOWN_MAX = 10
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
#: Audit events with a path that they change, and which argument it is.
_CHANGES = {
    **dict.fromkeys(("os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "shutil.rmtree"), (0,)),
    **dict.fromkeys(("os.rename", "os.link"), (0, 1)),
    "os.symlink": (1,),
}
_STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "socket.connect")

#: A case: makes it from its number, does it, and returns what came of it in a word.
Case = Callable[[int, str], str]


class Figures(msgspec.Struct):
    """The results of the cases.

    Args:
        cases: how many.
        outcomes: how many came to what.
        failures: by what failed, how many.
        shown: some of them in full.
        slowest_s: most processor time of a case, and its number.
        peak_kib: most memory of a process while it had a case, and its number.
    """

    cases: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    failures: dict[str, int] = msgspec.field(default_factory=dict)
    shown: list[str] = msgspec.field(default_factory=list)
    slowest_s: tuple[float, int] = (0.0, -1)
    peak_kib: tuple[int, int] = (0, -1)

    def fail(self, what: str, detail: str) -> None:
        """Count a failure, and keep the first of its kind."""
        if what not in self.failures and len(self.shown) < _SHOWN_MAX:
            self.shown.append(detail)
        self.failures[what] = self.failures.get(what, 0) + 1

    def merge(self, other: Figures) -> None:
        """Add the figures of other cases."""
        self.cases += other.cases
        for mine, theirs in ((self.outcomes, other.outcomes), (self.failures, other.failures)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        self.shown = (self.shown + other.shown)[:_SHOWN_MAX]
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.peak_kib = max(self.peak_kib, other.peak_kib)


class _Watch:
    """Notes the forbidden acts of a case."""

    def __init__(self, folder: str, may_start: bool) -> None:
        self._inside = os.path.realpath(folder) + os.sep
        self._may_start = may_start
        self.strange: list[str] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes) and isinstance(flags, int) and flags & _WRITING:
                self._look(event, path)
        elif event in _CHANGES:
            for at in _CHANGES[event]:
                self._look(event, arguments[at])
        elif event in _STARTS and not self._may_start:
            self.strange.append(f"{event} {arguments!r}"[:300])

    def _look(self, event: str, path: Any) -> None:
        if isinstance(path, int):
            return
        text = os.path.abspath(os.fsdecode(path))
        if not text.startswith((self._inside, "/dev/null", "/proc/self/")):
            self.strange.append(f"{event} {text}")


def attack(
    count: int,
    case: Case,
    folder: str,
    jobs: int,
    may_start: bool,
    told: Callable[[int], None],
) -> Figures:
    """Carry out cases 0 to `count` - 1, and return their figures.

    Args:
        count: of cases.
        case: called with a number and a folder that is its own; raises nothing unless something is wrong.
        folder: private, for files.
        jobs: processes at a time.
        may_start: whether a case may start processes.
        told: is told now and then how many are done.
    """
    whole = Figures()
    shares = [list(range(first, count, jobs)) for first in range(jobs)]
    at = [mmap.mmap(-1, mmap.PAGESIZE) for _ in range(jobs)]
    running: dict[int, tuple[int, IO[bytes]]] = {}

    def start(number: int) -> None:
        # In a file: a pipe would fill up.
        said = tempfile.TemporaryFile()  # noqa: SIM115  # it is closed where the process has ended
        pid = os.fork()
        if pid == 0:
            place = os.path.join(folder, str(number))
            _work(shares[number], case, place, at[number], said.fileno(), may_start)
        running[pid] = (number, said)

    for number in range(jobs):
        start(number)
    while running:
        pid, status = os.wait()
        if pid not in running:
            continue
        number, said = running.pop(pid)
        with said:
            said.seek(0)
            for line in said:
                whole.merge(msgspec.json.decode(line, type=Figures))
        if status:
            done, case_number = struct.unpack("qq", at[number][:16])
            code = os.waitstatus_to_exitcode(status)
            why = "10 s of processor time" if code == -signal.SIGPROF else f"the process ended with {code}"
            whole.cases += 1
            whole.fail(why, f"case {case_number}: {why}")
            shares[number] = shares[number][done + 1 :]
            start(number)
        told(whole.cases)
    return whole


def _work(
    numbers: Sequence[int], case: Case, folder: str, at: mmap.mmap, writing: int, may_start: bool
) -> None:
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_DATA, (_DATA_BYTES_MAX, _DATA_BYTES_MAX))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    watch = _Watch(folder, may_start)
    status = 1
    try:
        for done, number in enumerate(numbers):
            at[:16] = struct.pack("qq", done, number)
            figures = Figures()
            _one(figures, number, case, folder, watch)
            os.write(writing, msgspec.json.encode(figures) + b"\n")
        status = 0
    finally:
        os._exit(status)


def _one(figures: Figures, number: int, case: Case, folder: str, watch: _Watch) -> None:
    with _measured(figures, number):
        try:
            outcome = case(number, folder)
        except BaseException as error:
            outcome = "failed"
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} in {os.path.basename(where.filename)}:{where.lineno}"
            text = "".join(traceback.format_exception(error))
            figures.fail(what, f"case {number}: {text[-3000:]}")
    if watch.strange:
        figures.fail("outside", f"case {number}: {'; '.join(watch.strange)}")
        watch.strange.clear()
    figures.cases += 1
    figures.outcomes[outcome] = figures.outcomes.get(outcome, 0) + 1


class _Peak(NamedTuple):
    kib: int

    @staticmethod
    def now() -> _Peak:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return _Peak(int(next(line for line in file if line.startswith("VmHWM")).split()[1]))


@contextlib.contextmanager
def _measured(figures: Figures, number: int) -> Iterator[None]:
    descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
    os.write(descriptor, b"5")
    os.close(descriptor)
    signal.setitimer(signal.ITIMER_PROF, _CPU_S)
    began = time.process_time()
    try:
        yield
    finally:
        used = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
    peak = _Peak.now().kib
    figures.slowest_s = max(figures.slowest_s, (used, number))
    figures.peak_kib = max(figures.peak_kib, (peak, number))
    if peak > _PEAK_KIB_MAX:
        figures.fail("more than 200 MB", f"case {number}: {peak} KiB")
