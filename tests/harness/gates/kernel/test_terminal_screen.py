"""The screen of a terminal after the sequences that editors send."""

from __future__ import annotations

import curses
import os

import pytest

from harness.gates.kernel.terminal_screen import shown


def lines(output: str, rows: int = 4, columns: int = 10) -> list[str]:
    return shown(output.encode(), rows, columns)


@pytest.mark.parametrize(
    ("output", "screen"),
    [
        ("ab\r\ncd", ["ab", "cd", "", ""]),
        ("1\r\n2\r\n3\r\n4\r\n5", ["2", "3", "4", "5"]),
        ("\x1b[2;3Hx\x1b[H0", ["0", "  x", "", ""]),
        ("abc\b\bX\rY\tZ", ["YXc     Z", "", "", ""]),
        ("abcdef\x1b[3D\x1b[K", ["abc", "", "", ""]),
        ("abcdef\x1b[3D\x1b[1K", ["    ef", "", "", ""]),
        ("ab\r\ncd\x1b[1J", ["", "", "", ""]),
        ("ab\r\ncd\x1b[H\x1b[J", ["", "", "", ""]),
        ("ab\x1b[?1049hcd\x1b[1;1Hx", ["x cd", "", "", ""]),
        ("abcd\x1b[1;2H\x1b[2P", ["ad", "", "", ""]),
        ("abcd\x1b[1;2H\x1b[2@", ["a  bcd", "", "", ""]),
        ("abcd\x1b[1;2H\x1b[2X", ["a  d", "", "", ""]),
        ("1\r\n2\r\n3\x1b[1;1H\x1b[L", ["", "1", "2", "3"]),
        ("1\r\n2\r\n3\x1b[1;1H\x1b[M", ["2", "3", "", ""]),
        ("1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n", ["1", "3", "", "4"]),
        ("1\r\n2\x1b[H\x1bM", ["", "1", "2", ""]),
        ("\x1b[31mred\x1b[0m \x1b(Bx\x1b]0;title\x07y", ["red xy", "", "", ""]),
        ("a\x1b[3b", ["aaaa", "", "", ""]),
        ("\x1b7ab\x1b8x", ["xb", "", "", ""]),
        ("\x1b[99;99Hx\x1b[99A\x1b[1Gy", ["y", "", "", "         x"]),
    ],
)
def test_an_escape_sequence_acts_as_in_a_terminal(output: str, screen: list[str]) -> None:
    assert lines(output) == screen


def test_a_line_that_was_too_long_is_one_line() -> None:
    assert lines("0123456789abc\r\nx") == ["0123456789abc", "x", ""]
    assert lines("0123456789abc\x1b[H\x1b[K") == ["", "abc", "", ""]


def test_bytes_that_are_no_sequence_do_no_harm() -> None:
    endless = f"\x1b[{'9' * 5000}b"
    for output in ("\x1b[", "\x1b", endless, "\x1b[;;;H\x1b[0;0r", "\x1b]0;", "\xff\x00"):
        assert len(lines("ok" + output)) <= 4


@pytest.mark.parametrize("term", ["xterm", "linux"])
def test_each_sequence_of_terminfo_is_understood(term: str) -> None:
    """Sequences of curses that move, erase, insert and scroll leave no letters behind."""
    curses.setupterm(term, os.open(os.devnull, os.O_WRONLY))
    for name in (
        "cup",
        "cuu",
        "cud",
        "cuf",
        "cub",
        "hpa",
        "vpa",
        "el",
        "el1",
        "ed",
        "ich",
        "dch",
        "ech",
        "il",
    ):
        capability = curses.tigetstr(name)
        if capability:
            assert not "".join(shown(curses.tparm(capability, 1, 1), 4, 10)), name
