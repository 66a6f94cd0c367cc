"""On a system that is not Linux each way to start the harness says so in one line, with status 2."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.acceptance.harness_process import ROOT

#: Without what Windows lacks; a process that has begun cannot lose more of its system.
_AS_ON = """\
import _signal, os, runpy, signal, sys
for module in (_signal, signal):
    del module.SIGHUP, module.pthread_sigmask
del os.sched_getaffinity, os.pidfd_open, os.fork
sys.modules["fcntl"] = sys.modules["resource"] = sys.modules["termios"] = None
sys.platform = {system!r}
sys.argv[1:] = {words!r}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "system", "words"),
    [
        ("harness", "darwin", ["run", "scenarios/quickstart.yaml"]),
        ("takeover_harness", "win32", ["--help"]),
    ],
)
def test_another_system_is_refused_in_one_line(module: str, system: str, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AS_ON.format(system=system, words=words, module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"this system is {system}; takeover-harness needs Linux")
    assert done.stderr.count("\n") == 1
