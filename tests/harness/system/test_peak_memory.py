"""Test the peak memory of processes, independent of their parents."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.system.peak_memory import family_peak_bytes, peak_bytes

_MIB = 1 << 20
#: Uses 64 MiB, frees them, and reports it; its parent uses nothing.
_LARGE = "big = bytearray(64 << 20); del big; print('there', flush=True); input()"
_NESTED = "import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}])"


@pytest.fixture
def nested() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _NESTED.format(_LARGE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "there\n"
        yield process
        process.stdin.close()


def test_freed_memory_and_grandchildren_count(nested: subprocess.Popen[str]) -> None:
    assert 1 * _MIB < peak_bytes(nested.pid) < 64 * _MIB
    assert family_peak_bytes() > 64 * _MIB + peak_bytes(nested.pid)


def test_without_children_there_is_nothing_to_add_up() -> None:
    code = "from harness.system.peak_memory import *; print(family_peak_bytes(), peak_bytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    family, own = map(int, done.stdout.split())
    assert family == 0
    assert own > 1 * _MIB


def test_an_ended_process_has_an_unknown_peak() -> None:
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    done.wait()
    assert peak_bytes(done.pid) == 0
