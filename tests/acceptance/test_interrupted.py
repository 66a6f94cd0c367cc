"""An interrupted run keeps what was found until then, ends with status 130, and leaves nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.acceptance.harness_process import ROOT, Harness, Running, eventually, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

#: No schedule is run beforehand, so that a fence that counts its calls knows where it is.
ENDLESS = ("--strategy", "random", "--schedules", 10**9)

# Shows by its process's name that it has judged some schedules, then goes on, or never comes back.
FENCES = """\
class Busy(Fence):
    calls = 0
    then = staticmethod(lambda: None)

    def guarded_write(self, entries):
        Busy.calls += 1
        if Busy.calls > 40:
            ctypes.CDLL(None).prctl(15, b"busy")
            self.then()
        super().guarded_write(entries)


def _never():
    while True:
        pass


class Hanging(Busy):
    then = staticmethod(_never)
"""


@pytest.fixture
def fences(tmp_path: Path) -> Path:
    return write_fence(tmp_path, FENCES)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return write_scenario(tmp_path)


def _wait_until_busy(running: Running) -> None:
    eventually(lambda: running.worker_named("busy") or running.process.poll() is not None)
    assert running.process.poll() is None, running.end()


@pytest.mark.parametrize("to_group", [False, True], ids=["to the harness", "to its group"])
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_ends_the_run_and_keeps_its_findings(
    harness: Harness, scenario: Path, fences: Path, number: signal.Signals, to_group: bool
) -> None:
    with harness.start_run(scenario, "--fence", f"{fences}:Busy", *ENDLESS, "--json") as running:
        _wait_until_busy(running)
        (os.killpg if to_group else os.kill)(running.process.pid, number)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130
    assert ended.err == ""
    assert ended.object["schedules"] >= 20
    assert ended.object["stopped"] == "interrupted"
    assert harness.verdicts() == ended.objects


def test_an_interrupted_run_still_prints_its_table(harness: Harness, scenario: Path, fences: Path) -> None:
    with harness.start_run(scenario, "--fence", f"{fences}:Busy", *ENDLESS) as running:
        _wait_until_busy(running)
        os.kill(running.process.pid, signal.SIGINT)
        ended = running.end()
    assert ended.status == 130
    assert "interrupted, 1000000000 were wanted" in ended.out
    *_, row, _, report = ended.out.splitlines()
    assert row.endswith("interrupted")
    assert report.startswith("report: ")


def test_questions_after_an_interrupt_are_not_asked(harness: Harness, scenario: Path, fences: Path) -> None:
    both = ("--fence", f"{fences}:Busy", "--fence", "ledger")
    with harness.start_run(scenario, *both, *ENDLESS, "--json") as running:
        _wait_until_busy(running)
        os.kill(running.process.pid, signal.SIGINT)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130
    assert [verdict["fence"] for verdict in harness.verdicts()] == [f"{fences}:Busy"]


def test_a_second_interrupt_does_not_wait_for_a_hang(harness: Harness, scenario: Path, fences: Path) -> None:
    with harness.start_run(scenario, "--fence", f"{fences}:Hanging", *ENDLESS, "--json") as running:
        _wait_until_busy(running)

        def interrupted() -> bool:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGINT)
            return running.process.poll() is not None

        eventually(interrupted)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130
    assert ended.object["schedules"] > 0
    assert harness.verdicts() == ended.objects


def test_a_closed_terminal_ends_the_run_and_keeps_its_results(
    harness: Harness, scenario: Path, fences: Path
) -> None:
    master, slave = pty.openpty()

    def take_terminal() -> None:
        import fcntl

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    streams = {"stdin": slave, "stdout": slave, "stderr": slave}
    with harness.start_run(
        scenario,
        "--fence",
        f"{fences}:Busy",
        *ENDLESS,
        before=take_terminal,
        environment={"CI": ""},
        **streams,
    ) as running:
        os.close(slave)
        _drain_until_busy(running, master)
        os.close(master)
        assert running.process.wait(600) == 130
        harness.assert_nothing_left(running)
    assert [verdict["stopped"] for verdict in harness.verdicts()] == ["interrupted"]


def _drain_until_busy(running: Running, master: int) -> None:
    """Read the terminal, lest it fill up."""
    os.set_blocking(master, False)

    def busy() -> object:
        try:
            os.read(master, 65536)
        except OSError as error:
            assert error.errno in (errno.EAGAIN, errno.EIO), error
        return running.worker_named("busy") or running.process.poll() is not None

    eventually(busy)


def test_a_reader_that_goes_away_ends_the_run(harness: Harness, scenario: Path, fences: Path) -> None:
    reading, writing = os.pipe()
    both = ("--fence", "none", "--fence", f"{fences}:Busy")
    with harness.start_run(scenario, *both, "--schedules", 10, "--json", stdout=writing) as running:
        os.close(writing)
        os.close(reading)
        _, err = running.process.communicate(timeout=600)
        harness.assert_nothing_left(running)
    assert (running.process.returncode, err) == (130, "")
    assert [verdict["fence"] for verdict in harness.verdicts()] == ["none"]


def test_an_ignored_hangup_stays_ignored(harness: Harness, scenario: Path, fences: Path) -> None:
    def as_nohup_does() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with harness.start_run(
        scenario, "--fence", f"{fences}:Busy", "--schedules", 80, "--json", before=as_nohup_does
    ) as running:
        _wait_until_busy(running)
        os.killpg(running.process.pid, signal.SIGHUP)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert (ended.status, ended.object["schedules"]) == (0, 80)


def _as_a_module(folder: Path, text: str) -> tuple[int, str, str]:
    """Status, output and errors of a module that starts the harness."""
    (folder / "interrupted.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_status_is_130_for_a_signal_within_an_import(tmp_path: Path) -> None:
    # In a text that is run: dataclasses make their methods that way.
    ended = _as_a_module(
        tmp_path,
        "import runpy, sys, harness.cli\n"
        "harness.cli.main = lambda _: exec('raise KeyboardInterrupt')\n"
        "runpy.run_module('harness', run_name='__main__')\n",
    )
    assert ended == (130, "", "")


def test_an_import_is_not_broken_off(tmp_path: Path) -> None:
    # The signal comes while the command's modules are looked for.
    ended = _as_a_module(
        tmp_path,
        "import os, runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'harness.cli.list_command':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            print('not broken off')\n"
        "sys.meta_path.insert(0, Finder)\n"
        "sys.argv[1:] = ['list', 'gates']\n"
        "runpy.run_module('harness', run_name='__main__')\n",
    )
    assert ended == (130, "not broken off\n", "interrupted\n")


def test_an_interrupt_that_a_finalizer_drops_is_not_lost(tmp_path: Path) -> None:
    ended = _as_a_module(
        tmp_path,
        "import os, runpy, signal, time, harness.cli\n"
        "class Dropped:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "def main(_):\n"
        "    Dropped()\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
        "harness.cli.main = main\n"
        "runpy.run_module('harness', run_name='__main__')\n",
    )
    assert ended == (130, "", "")


def test_an_interrupt_before_there_is_a_handler_waits(tmp_path: Path) -> None:
    # The module that `python -m` runs imports this one, the first of ours after the package itself.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'harness.system':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "harness", "list", "gates"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_package_leaves_the_signals_of_others_alone() -> None:
    code = "import signal, harness; print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    for words in (["-c", code], ["-c", code, "harness"]):
        done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout == "set()\n"
