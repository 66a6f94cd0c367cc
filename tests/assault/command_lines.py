"""Bad command lines, each in a process of its own that is interrupted when it takes long.

Their files lie in a folder of their own: no word leads out of it, and the only commands are harmless.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from harness.cli import main
from tests.assault.mutations import broken_arguments

__all__ = ["attempt"]

_ROOT = Path(__file__).parents[2]
_FILES = {
    "scenarios/quickstart.yaml": "quickstart.yaml",
    "results/openclaw/certificate.2026.5.18.false_positive.json": "witness.json",
    "results/bench/baseline.json": "baseline.json",
}
_FEW = ("--schedules", "2", "--time-limit-s", "1", "--explorers", "1", "--session-root", ".")
#: Command lines of a user, from which words are taken.
_LINES = (
    ("run", "quickstart.yaml", "--fence", "ledger", "--no-shrink", *_FEW),
    ("run", "quickstart.yaml", "--fence", "fence.none:NoFence", "--out", "out", "--json", *_FEW),
    ("run", "quickstart.yaml", "--gate", "free", "--strategy", "pos", "--seed", "7", *_FEW),
    ("run", "--resume", "out", "--junit", "junit.xml", *_FEW),
    ("run", ".", "--fence", "exec:true", "--min-schedules", "5%", "--confidence", "0.1", "--keep"),
    ("run", "quickstart.yaml", "--strategy", "exhaustive", "--rogue-actions", "1", "--preemptions", "1"),
    ("matrix", "quickstart.yaml", "--fences", "ledger,none", "--markdown", *_FEW),
    ("replay", "witness.json", "--fence", "ledger", "--json", "--session-root", "."),
    ("shrink", "witness.json", "--time-limit-s", "1", "--out", "small.json", "--keep", "quickstart.yaml"),
    ("judge", "witness.json", "--policy", "coordinated", "--json"),
    ("list", "scenarios", "--json"),
    ("list", "fences"),
    ("schema", "--markdown"),
    ("doctor", "--json", "--session-root", "."),
    ("bench", "--parts", "scenarios", "--rounds", "1", "--compare", "baseline.json", "--out", "b.json"),
    ("controls", "--only", "no-check", "--strategies", "pos", "--scenarios", ".", *_FEW[:2]),
    ("conform", "fence.none:NoFence", "--json"),
    ("fuzz", "--fence", "ledger", "--time-limit-s", "1", "--policy", "coordinated", "--seed", "3"),
    ("--version",),
    ("run", "--help"),
)
_LONG_S, _END_S = 4.0, 60.0
_ALL_BYTES_MAX = 1 << 20
#: Of the command and of each process that it waits for.
_PEAK_KIB_MAX = 200 * 1024
#: It asks a registry.
_NEVER = "target"
_STATUSES = (0, 1, 2, 3, 130)


def attempt(seed: int, number: int, folder: str) -> str:
    """Carry a broken command line out and return the status that it ended with."""
    rng = random.Random(f"{seed} command line {number}")
    words = [_harmless(word) for word in broken_arguments(rng.choice(_LINES), rng, _LINES)]
    place = os.path.join(folder, "place")
    shutil.rmtree(place, ignore_errors=True)
    os.mkdir(place)
    for source, name in _FILES.items():
        shutil.copy(_ROOT / source, os.path.join(place, name))
    before = _contents(place)
    status, said = _carried_out(words, place)
    assert status in _STATUSES, f"status {status} of {words}: {said[-2500:]}"
    assert "Traceback" not in said, f"{words}: {said[-2500:]}"
    after = _contents(place)
    changed = {name for name, data in before.items() if after.get(name) != data}
    outputs = {word for option, word in itertools.pairwise(words) if option in ("--out", "--junit")}
    assert not changed - outputs, f"{words} changed {changed}"
    return f"status {status}"


def _harmless(word: str) -> str:
    """Return a word that leads out of the folder to nothing, and starts nothing else than `true`."""
    if "exec:" in word:
        return "exec:true"
    if ".py:" in word:
        return "missing.py:Fence"
    return "x" if word == _NEVER else word.replace("..", ".").replace("/", "")


def _contents(place: str) -> dict[str, bytes]:
    return {entry.name: Path(entry.path).read_bytes() for entry in os.scandir(place) if entry.is_file()}


def _carried_out(words: list[str], place: str) -> tuple[int, str]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _child(words, place, writing)
    os.close(writing)
    said = bytearray()
    began = time.monotonic()
    interrupted = False
    ended = os.pidfd_open(pid)
    try:
        while True:
            limit_s = _LONG_S + _END_S if interrupted else _LONG_S
            left_s = began + limit_s - time.monotonic()
            ready = select.select([reading, ended], [], [], max(0.0, left_s))[0]
            if not ready and interrupted:
                raise AssertionError(f"{words} did not end {_END_S} s after an interrupt")
            if not ready:
                os.kill(pid, signal.SIGINT)
                interrupted = True
            data = os.read(reading, 65536) if reading in ready else b""
            said = (said + data)[-_ALL_BYTES_MAX:]
            if ended in ready and not data:
                break
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status, used = os.wait4(pid, 0)
        os.close(reading)
        os.close(ended)
    assert used.ru_maxrss <= _PEAK_KIB_MAX, f"{words}: {used.ru_maxrss} KiB"
    return os.waitstatus_to_exitcode(status), said.decode(errors="replace")


def _child(words: list[str], place: str, writing: int) -> None:
    status = 4
    try:
        os.setsid()
        signal.setitimer(signal.ITIMER_PROF, 0)
        from harness.system.interrupts import ignore, interrupt_once

        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (writing, 1), (writing, 2)):
            os.dup2(source, target)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        sys.argv[1:] = words
        os.environ["PYTHONPATH"] = str(_ROOT)
        os.chdir(place)
        interrupt_once()
        try:
            status = main(words)
        except SystemExit as error:  # argparse
            status = error.code if isinstance(error.code, int) else 1
        ignore()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)
