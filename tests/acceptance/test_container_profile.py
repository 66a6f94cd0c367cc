"""Inside of another seccomp filter, such as a container's profile, which answers before the harness does."""

from __future__ import annotations

import errno
import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from harness.gates.kernel.linux_abi import NUMBERS, RET_ALLOW, RET_ERRNO
from tests.acceptance.harness_process import SCENARIO, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

#: Greater than the number of each call that a kernel has today; profiles know no call beyond.
_UNKNOWN_FROM = 500
_LD, _JEQ, _JGE, _RET = 0x20, 0x15, 0x35, 0x06

#: Installs the filter whose instructions it is given, and becomes the command behind them.
_WITHIN = """
import ctypes, os, struct, sys
code = ctypes.create_string_buffer(bytes.fromhex(sys.argv[1]))
head = struct.pack("=HxxxxxxQ", len(sys.argv[1]) // 16, ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.syscall(317, 1, 0, head) == 0, ctypes.get_errno()
os.execv(sys.argv[2], sys.argv[2:])
"""


def profile(jump: int, number: int) -> str:
    """Return a filter that refuses the calls of which the number passes a test, and allows all others."""
    answers = RET_ERRNO | errno.ENOSYS, RET_ALLOW
    lines = (_LD, 0, 0, 0), (jump, 0, 1, number), *((_RET, 0, 0, answer) for answer in answers)
    return b"".join(struct.pack("=HBBI", *line) for line in lines).hex()


def within(filter_: str, *command: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", _WITHIN, filter_, sys.executable, *map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_profile_of_known_calls_leaves_the_kernel_gate(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, SCENARIO)
    words = ("-m", "harness", "run", scenario, "--fence", "ledger", "--schedules", 4, "--min-schedules", 1)
    ended = within(
        profile(_JGE, _UNKNOWN_FROM), *words, "--gate", "kernel", "--json", "--out", tmp_path / "o"
    )
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["schedules"], found["gate"]) == (0, 4, "kernel"), ended.stderr


def test_a_profile_without_the_call_of_a_stop_is_found_out(tmp_path: Path) -> None:
    refusing = profile(_JEQ, NUMBERS["sched_yield"])
    told = within(refusing, "-m", "harness", "doctor").stdout
    assert "another seccomp filter around this process answers calls before the harness does" in told
    scenario = write_scenario(tmp_path, SCENARIO)
    words = ("-m", "harness", "run", scenario, "--gate", "kernel", "--out", tmp_path / "o")
    ended = within(refusing, *words)
    assert ended.returncode == 2
    assert "allow sched_yield in its profile" in ended.stderr
    assert not (tmp_path / "o").exists()
