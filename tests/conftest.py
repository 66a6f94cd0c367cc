"""Which tests need something of the machine, and what of it is missing.

``@pytest.mark.requires("ext4")`` skips a test where the capability is missing;
the summary at the end names every capability that was.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable

import hypothesis
import pytest

from fence.targets import TargetError, pypi
from harness.gates.kernel import program_clock, thread_turns
from harness.system import landlock
from harness.tools import doctor
from takeover_harness import compiled
from tests import browser, machine_limits, ordinary_user
from tests.measured_filesystems.mounts import MOUNTABLE, can_mount
from tests.patience import GENEROUS_S, WALL_LIMIT
from tests.scenarios.probe import LONG

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores it in what it starts in the background, and a program that a test starts would
    # never be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # nohup ignores it, and a program that a test starts would not end with its terminal.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Hypothesis expects an example within 200 ms; no test may depend on the speed of the machine.
hypothesis.settings.register_profile("any-speed", deadline=None)
hypothesis.settings.load_profile("any-speed")

_REASON = "this machine lacks: "
# exit_group is not trapped; a plain exit would wait for a supervisor.
_INSTALL = "import os; from harness.gates.kernel.seccomp_filter import install; install(); os._exit(0)"


def _kernel_gate() -> bool:
    return (
        sys.platform == "linux"
        and not subprocess.run(
            [sys.executable, "-c", _INSTALL], capture_output=True, timeout=600, check=False
        ).returncode
    )


def _ext4() -> bool:
    directory = os.path.realpath(tempfile.gettempdir())
    with open("/proc/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1:3] for line in file]
    inside = [mount for mount in mounts if os.path.commonpath([mount[0], directory]) == mount[0]]
    return max(reversed(inside), key=lambda mount: len(mount[0]))[1] == "ext4"


def _mounts() -> bool:
    script = "mount -t tmpfs -o size=64k none /mnt"
    command = ["unshare", "-m" if os.geteuid() == 0 else "-Urm", "sh", "-c", script]
    try:
        return not subprocess.run(command, capture_output=True, timeout=600, check=False).returncode
    except FileNotFoundError:
        return False


def _npm() -> bool:
    """Node, and npm with a registry that answers; nothing is downloaded."""
    try:
        done = subprocess.run(
            ["npm", "view", "openclaw@2026.5.18", "version"], capture_output=True, timeout=600, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return not done.returncode and _found("node")


def _pypi() -> bool:
    """A pip with an index that answers; a wheel of 10 kB is looked at."""
    try:
        pypi.sha256_of("filelock==3.12.0")
    except TargetError:
        return False
    return True


def _found(program: str) -> bool:
    return shutil.which(program) is not None


_CAPABILITIES: dict[str, Callable[[], bool]] = {
    "kernel-gate": _kernel_gate,
    "landlock": lambda: not landlock.missing(),
    "pid-namespace": lambda: not doctor.own_ids_of().ids,
    # An ordinary user has it in processes of its own alone.
    "pid-namespace of this process": lambda: os.geteuid() == 0 and not doctor.own_ids_of().ids,
    "pid-namespace of an ordinary user": ordinary_user.has_own_ids,
    "clock of programs": lambda: not program_clock.unavailable(),
    "threads one at a time": lambda: not thread_turns.unavailable(),
    # A compiled function takes no stand-in for a class of ours.
    "modules from source": lambda: compiled.state() != "compiled",
    "ext4": _ext4,
    "root": lambda: os.geteuid() == 0,
    "mounts": _mounts,
    "memory-group": machine_limits.can_limit_memory,
    "process-limit": machine_limits.can_limit_processes,
    "time-namespace": machine_limits.can_shift_clocks,
    "npm": _npm,
    "pypi": _pypi,
    **{
        name: functools.partial(_found, name)
        for name in ("node", "vim", "git", "rsync", "gcc", "go", "javac")
    },
    # That of rustup may stand there without a compiler behind it.
    "rustc": lambda: (
        _found("rustc")
        and not subprocess.run(["rustc", "--version"], check=False, capture_output=True).returncode
    ),
    "chromium": lambda: browser.found() is not None,
    **{f"a mount of {name}": functools.partial(can_mount, name) for name in MOUNTABLE},
}


@functools.cache
def _has(capability: str) -> bool:
    return _CAPABILITIES[capability]()


def pytest_configure() -> None:
    """Give everything that a test starts a limit that no speed of a machine comes near to."""
    os.environ[WALL_LIMIT] = str(GENEROUS_S)


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a test waits for processes, and they for each other."""
    cores = len(os.sched_getaffinity(0))
    return cores + max(1, cores // 2)


# After -m and -k, which may leave nothing but long tests.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests, unless asked for them: by the variable, or by naming nothing else."""
    if os.environ.get(LONG):
        return
    long = {item for item in items if item.get_closest_marker("long")}
    if len(long) == len(items):
        # A run that the tests start leaves out nothing either.
        os.environ[LONG] = "1"
    elif long:
        config.hook.pytest_deselected(items=list(long))
        items[:] = [item for item in items if item not in long]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("requires"):
        for capability in marker.args:
            if not _has(capability):
                pytest.skip(_REASON + capability)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [
        report.longrepr[2]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]
    missing = Counter(text.split(_REASON, 1)[1] for text in reasons if _REASON in text)
    for capability, count in sorted(missing.items()):
        terminalreporter.write_line(f"{_REASON}{capability} ({count} tests skipped)", yellow=True)
