"""Test the properties of all kinds of lock, and kinds from outside the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fence.errors import LockTimeoutError
from fence.locks import KINDS, make_lock

ROOT = str(Path(__file__).parents[3])
every_kind = pytest.mark.parametrize("kind", ["sidecar", "flock", "mkdir", "record"])


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    return str(tmp_path / "t.jsonl")


class _Asked(dict[str, Any]):
    """Options that note which of them are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)


@every_kind
def test_a_kind_names_exactly_the_options_that_its_handle_reads(kind: str, transcript: str) -> None:
    options = _Asked()
    make_lock(kind, transcript, options, {})
    assert options.names == set(KINDS[kind].options)


@every_kind
def test_a_kind_says_where_its_lock_is_and_if_held(kind: str, transcript: str) -> None:
    record = KINDS[kind]
    path = transcript + record.suffix
    assert not record.is_held(transcript)
    with make_lock(kind, transcript, {}, {}):
        assert os.path.isdir(path) == (record.keeper == "directory")
        # A record lock excludes other processes only.
        asked = f"from fence.locks import KINDS; print(KINDS[{kind!r}].is_held({transcript!r}))"
        assert _said(asked) == "True"
    assert os.path.exists(path) == record.kept_by_kernel
    assert not record.is_held(transcript)
    assert record.unique is (not record.kept_by_kernel)


@every_kind
def test_asking_whether_a_lock_is_held_leaves_no_descriptor(kind: str, transcript: str) -> None:
    record = KINDS[kind]
    with make_lock(kind, transcript, {}, {}):
        before = len(os.listdir("/proc/self/fd"))
        if kind != "record":  # the close would release it
            assert record.is_held(transcript)
        assert len(os.listdir("/proc/self/fd")) == before
    before = len(os.listdir("/proc/self/fd"))
    assert not record.is_held(transcript)
    assert len(os.listdir("/proc/self/fd")) == before


@every_kind
def test_a_lock_is_its_owners_alone(kind: str, transcript: str) -> None:
    with make_lock(kind, transcript, {}, {}):
        mode = os.stat(transcript + KINDS[kind].suffix).st_mode & 0o777
    assert mode == (0o700 if KINDS[kind].keeper == "directory" else 0o600)


@every_kind
def test_no_acquisition_leaves_a_descriptor_open(kind: str, transcript: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    process: dict[str, Any] = {}
    lock = make_lock(kind, transcript, {}, process)
    for _ in range(3):
        with lock, pytest.raises(LockTimeoutError):
            make_lock(kind, transcript, {"lock_timeout_ms": 0}, process).acquire()
    assert len(os.listdir("/proc/self/fd")) == before


@every_kind
def test_a_waiter_polls_every_50_ms(kind: str, transcript: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [0.0], []

    def sleep(duration_s: float) -> None:
        slept.append(duration_s)
        now[0] += duration_s

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    process: dict[str, Any] = {}
    with make_lock(kind, transcript, {}, process):
        with pytest.raises(LockTimeoutError, match="for 120 ms"):
            make_lock(kind, transcript, {"lock_timeout_ms": 120}, process).acquire()
        assert slept == [0.05] * 3
        slept.clear()
        with pytest.raises(LockTimeoutError, match="for 80 ms"):
            make_lock(kind, transcript, {"lock_timeout_ms": 80, "lock_poll_ms": 40}, process).acquire()
        assert slept == [0.04] * 2


@pytest.mark.parametrize("kind", ["sidecar", "mkdir", "record"])
def test_a_waiter_gives_up_after_60_s(kind: str, transcript: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda duration_s: now.__setitem__(0, now[0] + 1))
    process: dict[str, Any] = {}
    with make_lock(kind, transcript, {}, process), pytest.raises(LockTimeoutError, match="for 60000 ms"):
        make_lock(kind, transcript, {}, process).acquire()
    assert now[0] == 60


@pytest.mark.parametrize("kind", ["flock", "record"])
def test_a_lock_may_have_the_lowest_descriptor(kind: str, transcript: str) -> None:
    """A process without a standard input gets 0 for the next file that it opens."""
    program = (
        "import contextlib, fcntl, os\n"
        "from fence.locks import make_lock\n"
        "os.close(0)\n"
        f"lock = make_lock({kind!r}, {transcript!r}, {{}})\n"
        "take, fcntl.flock, fcntl.lockf = (fcntl.flock, fcntl.lockf), None, None\n"
        "with contextlib.suppress(TypeError): lock.acquire()\n"
        "fcntl.flock, fcntl.lockf = take\n"
        "print(lock.held, os.path.exists('/proc/self/fd/0'), end=' ')\n"
        "lock.acquire()\n"
        "print(lock.held, 'lock' in os.readlink('/proc/self/fd/0'), end=' ')\n"
        "lock.release_if_held()\n"
        "print(lock.held, os.path.exists('/proc/self/fd/0'))\n"
    )
    assert _said(program) == "False False True True False False"


@every_kind
def test_an_acquisition_that_fails_leaves_nothing_behind(kind: str, tmp_path: Path) -> None:
    process: dict[str, Any] = {}
    directory = tmp_path / "later"
    lock = make_lock(kind, str(directory / "t.jsonl"), {"lock_timeout_ms": 0}, process)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        lock.acquire()
    assert not lock.held
    assert len(os.listdir("/proc/self/fd")) == before
    directory.mkdir()
    with lock:
        assert lock.held


# Kinds from outside

_MODULE = """
from fence.locks import LockKind
LEASE = LockKind({name!r}, "a lease", {suffix!r}, "file", lambda *_: None, ())
OTHER = 7
"""


def _said(program: str, *paths: Path) -> str:
    """Return the last line that a program prints in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, *map(str, paths)])}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
        check=False,
    )
    return (done.stdout or done.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "suffix", "value", "said"),
    [
        ("lease", ".lease-lock", "LEASE", "a lease"),
        ("lease", ".lease", "LEASE", "its suffix is '.lease', expected one that contains 'lock'"),
        ("other", ".lock", "LEASE", "its record is called 'other', expected 'lease'"),
        ("lease", ".lock", "OTHER", "is a int, expected a LockKind"),
    ],
)
def test_a_kind_from_outside_is_checked(
    name: str, suffix: str, value: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "my_locks.py").write_text(_MODULE.format(name=name, suffix=suffix))
    package = tmp_path / "my_locks-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: my-locks\nVersion: 1\n")
    (package / "entry_points.txt").write_text(f"[takeover_harness.lock_kinds]\nlease = my_locks:{value}\n")
    found = _said("from fence.locks import KINDS; print(KINDS['lease'].about)", tmp_path)
    assert said in found
    assert _said(
        "from fence.locks import make_lock; make_lock('lease-of-mine', 'T', {})", tmp_path
    ).startswith("ValueError: ")
