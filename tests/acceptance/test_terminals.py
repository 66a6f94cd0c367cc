"""The output of a run on terminals of all kinds."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import struct
import termios
from pathlib import Path

import pytest

from tests.acceptance.harness_process import ROGUE, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

#: Of a path as long as people have them.
FOLDER = "a folder with blanks and a long name/and another one in it"
PLAIN = {"CI": "", "NO_COLOR": "", "COLUMNS": "", "TERM": "xterm", "LC_ALL": "C.UTF-8"}


def _seen(harness: Harness, columns: int, *arguments: object, **environment: str) -> str:
    """Return the text that a run writes to a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 30, columns, 0, 0))
    streams = {"stdin": slave, "stdout": slave, "stderr": slave}
    with harness.start_run(*arguments, environment={**PLAIN, **environment}, **streams) as running:
        os.close(slave)
        text = b""
        # A terminal without a holder says EIO.
        while chunk := _read(master):
            text += chunk
        assert running.process.wait(600) in (0, 1)
        harness.assert_nothing_left(running)
    os.close(master)
    return text.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError as error:
        assert error.errno == errno.EIO, error
        return b""


def _table(text: str) -> list[list[str]]:
    """Cells of the table at the end, line by line."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    lines = [line for line in plain.splitlines() if line[:1] in ("┃", "│")]
    return [[cell.strip() for cell in re.split("[┃│]", line)[1:-1]] for line in lines]


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_a_table_fits_into_its_terminal_and_tells_the_result(
    harness: Harness, tmp_path: Path, columns: int
) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    fences = write_fence(tmp_path / FOLDER, "class WithALongName(Fence):\n    pass\n", "of_mine.py")
    chosen = ("--fence", f"{fences}:WithALongName", "--fence", "none", "--schedules", 5)
    text = _seen(harness, columns, write_scenario(tmp_path, ROGUE), *chosen)
    table = _table(text)
    head, *rows = table
    assert {"scenario", "fence", "false pos.", "missed", "result"} <= set(head)
    assert ("steps/s" in head) == (columns == 200)
    assert len(rows) <= 6, rows  # a name over four lines at most
    result = head.index("result")
    assert [row[result] for row in rows if row[result]] == ["UNEXPECTED", "UNEXPECTED"]
    assert "".join(row[1] for row in rows).endswith("of_mine.py:WithALongNamenone")


def test_without_colour_there_is_none(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, ROGUE)
    arguments = (scenario, "--fence", "none", "--schedules", 5)
    colours = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert colours.search(_seen(harness, 120, *arguments))
    assert not colours.search(_seen(harness, 120, *arguments, NO_COLOR="1"))


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"TERM": "dumb"}], ids=["in CI", "on a dumb one"])
def test_lines_are_plain(harness: Harness, tmp_path: Path, environment: dict[str, str]) -> None:
    text = _seen(harness, 120, write_scenario(tmp_path), "--fence", "none", "--schedules", 5, **environment)
    assert "\x1b" not in text
    assert "small / none: no violation (5 schedules in " in text


def test_a_terminal_that_knows_ascii_alone_gets_nothing_else(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    more = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    text = _seen(harness, 120, scenario, "--fence", "none", "--schedules", 5, **more)
    assert text.isascii()
    assert "\\u" not in text
