"""Words of `run` about a kernel that confines nothing, or not all."""

from __future__ import annotations

import ctypes
import errno
import struct
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness, write_scenario

pytestmark = pytest.mark.requires("kernel-gate", "landlock")

_LINE = "the kernel does not confine writing and creating files"


def _without_landlock() -> None:
    """Let the kernel of this process and its children be one without Landlock."""
    load, equal, give = 0x20, 0x15, 0x06
    lines = [
        (load, 0, 0, 0),
        (equal, 0, 1, 444),
        (give, 0, 0, 0x50000 | errno.ENOSYS),
        (give, 0, 0, 0x7FFF0000),
    ]
    code = b"".join(struct.pack("=HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(lines), ctypes.addressof(buffer)), 16)
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, header, 0, 0) == 0


def test_all_is_confined_and_nothing_is_said_of_it(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path), "--fence", "ledger", "--require-confinement")
    assert ended.status == 0
    assert "confine" not in ended.err


def test_a_kernel_that_confines_nothing_is_said_in_one_line(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path), "--fence", "ledger", before=_without_landlock)
    assert ended.status == 0
    assert [line.startswith(_LINE) for line in ended.err.splitlines()].count(True) == 1
    assert "no Landlock" in ended.err


def test_where_it_is_required_nothing_runs_without_it(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(
        write_scenario(tmp_path), "--fence", "ledger", "--require-confinement", before=_without_landlock
    )
    assert ended.status == 2
    assert ended.err.startswith("--require-confinement: " + _LINE)
    assert not harness.out.exists()


def test_the_doctor_says_which_interface_there_is(harness: Harness) -> None:
    found = harness.call("doctor", "--json").object
    assert found["landlock"].startswith("ABI ")
    assert found["not_confined"] == "nothing"
    found = harness.call("doctor", "--json", before=_without_landlock).object
    assert "no Landlock" in found["landlock"]
    assert "writing and creating files" in found["not_confined"]
