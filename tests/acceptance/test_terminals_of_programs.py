"""A program at a terminal: its keys come when it waits for them, and its screen is read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_scenario
from tests.acceptance.programs import found, script, shortcomings

pytestmark = pytest.mark.requires("kernel-gate")

SCENARIO = """\
about: A program at a terminal writes what it found.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: [30, 60]}
  - {role: program, name: script, argv: %s, delay_steps: 0, tty: true, keys: %s}
schedules: 2
step_ms: 20
expect:
  ledger: {may: []}
"""
FRAME = """\
import array, errno, fcntl, os, select, signal, subprocess, sys, termios, time, tty
%s
open(sys.argv[1], "a").write("fine\\n")
"""
#: By name: the code of a program, and the typed keys.
READS = {
    "an item at a time, raw": (
        "tty.setraw(0); assert [os.read(0, 9) for _ in range(3)] == [b'ab', b'\\x1b', b'\\x18\\x13']",
        ["ab", "<Esc>", "<C-x><C-s>"],
    ),
    "a line": ("assert input() == 'hello <b>', 1", ["hello ", "<lt>b>", "<Enter>"]),
    "the end of the input": ("assert sys.stdin.read() == 'ab\\n'", ["ab<Enter>", "<C-d>"]),
    "from its controlling terminal": (
        "file = open('/dev/tty', 'rb+', buffering=0); assert file.read(9) == b'x\\n'",
        ["x<Enter>"],
    ),
    "after a poll without an end": (
        "tty.setraw(0); one = select.poll(); one.register(0, select.POLLIN); one.poll()\n"
        "assert os.read(0, 9) == b'x'",
        ["x"],
    ),
    "after an epoll without an end": (
        "tty.setraw(0); one = select.epoll(); one.register(0, select.EPOLLIN); one.poll()\n"
        "assert os.read(0, 9) == b'x'",
        ["x"],
    ),
    "after a select that times out": (
        "tty.setraw(0); waits = []\n"
        "while not select.select([0], [], [], 0.04)[0]: waits.append(time.monotonic())\n"
        "assert waits and os.read(0, 9) == b'x', waits",
        ["<50ms>", "x"],
    ),
    "as soon as it is typed": (
        "tty.setraw(0); before = time.monotonic(); one = select.poll(); one.register(0, select.POLLIN)\n"
        "assert one.poll(10**6) and os.read(0, 9) == b'x' and 0.5 <= time.monotonic() - before < 5",
        ["<400ms>", "x"],
    ),
    "with a time of the terminal's": (
        "tty.setraw(0); mode = termios.tcgetattr(0); mode[6][termios.VMIN] = 0; mode[6][termios.VTIME] = 5\n"
        "termios.tcsetattr(0, termios.TCSANOW, mode); before = time.monotonic()\n"
        "assert os.read(0, 9) == b'' and 0.5 <= time.monotonic() - before < 1\n"
        "assert os.read(0, 9) == b'x'",
        ["<600ms>", "x"],
    ),
    "in a child": ("subprocess.run(['sh', '-c', 'read x; test $x = y'], check=True)", ["y<Enter>"]),
    "arrows of both modes": (
        "tty.setraw(0); assert os.read(0, 9) == b'\\x1b[A'\n"
        "os.write(1, b'\\x1b[?1h'); assert os.read(0, 9) == b'\\x1bOA'",
        ["<Up>", "<Up>"],
    ),
}
HAS = {
    "more than a terminal holds": ("os.write(1, b'x' * 3_000_000); print('y' * 3_000_000)", []),
    "a terminal that it opens to read": (
        "fd = os.open(os.ttyname(0), os.O_RDONLY); tty.setraw(fd); assert os.read(fd, 9) == b'x'",
        ["x"],
    ),
    "its size and kind": (
        "assert tuple(os.get_terminal_size()) == (80, 24) and os.environ['TERM'] == 'xterm'\n"
        "assert all(os.isatty(fd) for fd in range(3)) and os.getsid(0) == os.getpid() == os.tcgetpgrp(0)",
        [],
    ),
}
JOBS = {
    "a child in the foreground": (
        "subprocess.run(['bash', '-c', 'set -m; sh -c \"read x; test \\\\$x = y\"'], check=True)\n"
        "assert os.tcgetpgrp(0) == os.getpid()",
        ["y<Enter>"],
    ),
    "a child in the background": (
        "child = subprocess.Popen(['sh', '-c', 'read x'], process_group=0)\n"
        "_, status = os.waitpid(child.pid, os.WUNTRACED)\n"
        "assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTTIN\n"
        "os.tcsetpgrp(0, child.pid); os.kill(child.pid, signal.SIGCONT); assert child.wait() == 0",
        ["y<Enter>"],
    ),
    "an interrupt": (
        "signal.signal(signal.SIGINT, lambda *_: None); one = os.read(0, 9); assert one == b'a\\n', one",
        ["<C-c>", "a<Enter>"],
    ),
}
REFUSED = {
    "to type itself": (
        "for request in (termios.TIOCSTI, 0x541C, 0x541D, 0x5423):\n"
        "    try: fcntl.ioctl(0, request, b'x' * 8)\n"
        "    except PermissionError: continue\n"
        "    raise SystemExit('allowed')",
        [],
    ),
    "to open a terminal by its name": (
        "for path in (os.ttyname(0), '/dev/ptmx', '/dev/pts/ptmx'):\n"
        "    try: os.open(path, os.O_RDWR)\n"
        "    except OSError as error: assert error.errno == errno.EROFS, error\n"
        "    else: raise SystemExit('allowed')",
        [],
    ),
}


def scenario(folder: Path, name: str, body: str, keys: list[str]) -> str:
    argv = [*script(folder, name, FRAME % body, sys.executable, "-I", "-S"), "{transcript}"]
    return SCENARIO % (json.dumps(argv), json.dumps(keys))


def run(harness: Harness, tmp_path: Path, body: str, keys: list[str], *options: str) -> Ended:
    path = write_scenario(tmp_path, scenario(tmp_path, "script.py", body, keys))
    return harness.run(path, "--fence", "ledger", "--allow-programs", "--json", "--no-shrink", *options)


@pytest.mark.parametrize("cases", [READS, HAS | JOBS | REFUSED], ids=["reads", "has"])
def test_programs_find_a_terminal_s_settings(
    harness: Harness, tmp_path: Path, cases: dict[str, tuple[str, list[str]]]
) -> None:
    texts = {
        name: scenario(tmp_path, f"script-{number}.py", *case)
        for number, (name, case) in enumerate(cases.items())
    }
    assert shortcomings(found(harness, tmp_path, texts)) == {}


@pytest.mark.requires("pid-namespace")
def test_the_same_history_comes_with_any_explorers(harness: Harness, tmp_path: Path) -> None:
    body = (
        "tty.setraw(0)\n"
        "with open(sys.argv[1], 'a') as file:\n"
        "    while (keys := os.read(0, 9)) != b'q':\n"
        "        print(keys, time.time(), os.ttyname(0), select.select([0], [], [], 0.05)[0], file=file)"
    )
    runs = [
        run(harness, tmp_path, body, ["a", "<Up>", "q"], "--explorers", str(count)).object for count in (1, 2)
    ]
    assert runs[0]["histories"] == runs[1]["histories"]
    assert [one["inconclusive"] for one in runs] == [0, 0]


def test_a_wait_for_more_keys_is_told_with_the_screen(harness: Harness, tmp_path: Path) -> None:
    ended = run(
        harness, tmp_path, "print('\\x1b[2Jold\\x1b[H\\x1b[Joverwrite?', sys.argv[1]); input()", ["y"]
    )
    assert ended.status == 3, ended
    said = ended.object["why_inconclusive"]
    assert said.endswith(
        "does not end: it waits for its terminal and no key is left; the screen ends with: "
        "overwrite? transcript.jsonl y"
    )


def test_the_screen_of_a_failed_program_is_its_error_output(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, "sys.exit('no such thing: ' + sys.argv[1])", [])
    assert "exit status 1: no such thing: transcript.jsonl" in str(ended.object["not_exercised"]), ended


def test_a_program_that_a_key_ends_was_not_killed_from_outside(harness: Harness, tmp_path: Path) -> None:
    ended = run(harness, tmp_path, "signal.signal(signal.SIGINT, signal.SIG_DFL); input()", ["<C-c>"])
    one = ended.object
    assert (ended.status, one["inconclusive"], one["voided"]) == (3, 0, 0), ended
    assert "killed by SIGINT" in str(one["not_exercised"])
