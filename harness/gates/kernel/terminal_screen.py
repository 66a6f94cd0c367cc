"""The text on the screen of a terminal after some output.

It follows the sequences by which programs move on an xterm or a Linux console, erase and scroll; colours and
the like are left out.
"""

from __future__ import annotations

import re

__all__ = ["shown"]

_TOKEN = re.compile(
    r"\x1b\[(?P<mark>[?>=!]?)(?P<numbers>[0-9;:]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\](?:[^\x07\x1b]*)(?:\x07|\x1b\\)?"
    r"|\x1b[PX^_](?:[^\x1b]*)(?:\x1b\\)?"
    r"|\x1b[()*+][ -~]"
    r"|\x1b(?P<plain>[ -~])"
    r"|(?P<control>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)",
    re.DOTALL,
)
_TAB = 8
#: Digits of a number in a sequence; no screen is larger.
_DIGITS_MAX = 4


class _Row(list[str]):
    """The cells of a line, and whether the text goes on in the next one for want of room."""

    def __init__(self, columns: int) -> None:
        super().__init__(" " * columns)
        self.goes_on = False

    def run_on(self) -> None:
        """Note that the text goes on in the next line."""
        self.goes_on = True

    def erase(self, column: int) -> None:
        """Make a cell blank."""
        self[column] = " "
        self.goes_on = False


class _Screen:
    def __init__(self, rows: int, columns: int) -> None:
        self._rows, self._columns = rows, columns
        self._reset()

    def _reset(self) -> None:
        self._cells = [self._blank() for _ in range(self._rows)]
        self._row = self._column = 0
        self._top, self._bottom = 0, self._rows - 1
        self._saved = 0, 0
        self._last = " "

    def lines(self) -> list[str]:
        found = [""]
        for row in self._cells:
            found[-1] += "".join(row)
            if not row.goes_on:
                found[-1] = found[-1].rstrip()
                found.append("")
        return found[:-1]

    def put(self, text: str) -> None:
        for letter in text:
            if self._column >= self._columns:
                self._column = 0
                self._cells[self._row].run_on()
                self._next_line()
            self._cells[self._row][self._column] = letter
            self._column += 1
        self._last = text[-1]

    def control(self, letter: str) -> None:
        if letter == "\r":
            self._column = 0
        elif letter in "\n\v\f":
            self._next_line()
        elif letter == "\b":
            self._column = max(0, min(self._column, self._columns - 1) - 1)
        elif letter == "\t":
            self._column = min(self._columns - 1, (self._column // _TAB + 1) * _TAB)

    def plain(self, letter: str) -> None:
        if letter == "7":
            self._saved = self._row, self._column
        elif letter == "8":
            self._row, self._column = self._saved
        elif letter == "c":
            self._reset()
        elif letter in "DE":
            self._column = 0 if letter == "E" else self._column
            self._next_line()
        elif letter == "M":
            if self._row == self._top:
                self._scroll(self._top, -1)
            else:
                self._row = max(0, self._row - 1)

    def sequence(self, mark: str, numbers: list[int], final: str) -> None:
        if mark:
            # Of these modes only the second screen shows something else.
            if final in "hl" and {47, 1047, 1049}.intersection(numbers):
                self._erase(0, self._rows * self._columns)
            return
        count = max(1, numbers[0])
        if final in "ABCDEFGd`aefH":
            self._move(final, count, numbers)
        elif final in "JK":
            self._erase_by(final, numbers[0])
        elif final in "LM" and self._top <= self._row <= self._bottom:
            self._scroll(self._row, count if final == "M" else -count)
        elif final in "ST":
            self._scroll(self._top, count if final == "S" else -count)
        elif final in "@PX":
            self._shift(final, count)
        elif final == "b":
            self.put(self._last * min(count, self._columns))
        elif final == "r":
            last = numbers[1] if len(numbers) > 1 and numbers[1] else self._rows
            self._top, self._bottom = count - 1, min(last, self._rows) - 1
            self._row = self._column = 0
        elif final in "su":
            self.plain("7" if final == "s" else "8")

    def _move(self, final: str, count: int, numbers: list[int]) -> None:
        row, column = self._row, self._column
        if final in "AF":
            row -= count
        elif final in "BEe":
            row += count
        elif final in "Ca":
            column += count
        elif final == "D":
            column -= count
        elif final in "G`":
            column = count - 1
        elif final == "d":
            row = count - 1
        else:
            row, column = count - 1, max(1, numbers[1] if len(numbers) > 1 else 1) - 1
        if final in "EF":
            column = 0
        self._row = max(0, min(row, self._rows - 1))
        self._column = max(0, min(column, self._columns - 1))

    def _erase_by(self, final: str, how: int) -> None:
        here = self._row * self._columns + min(self._column, self._columns - 1)
        first, last = 0, self._rows * self._columns
        if final == "K":
            first, last = self._row * self._columns, (self._row + 1) * self._columns
        self._erase(here if how == 0 else first, here + 1 if how == 1 else last)

    def _erase(self, first: int, last: int) -> None:
        for at in range(first, last):
            self._cells[at // self._columns].erase(at % self._columns)

    def _shift(self, final: str, count: int) -> None:
        row, at = self._cells[self._row], min(self._column, self._columns - 1)
        blanks = [" "] * min(count, self._columns - at)
        if final == "@":
            row[at:] = (blanks + row[at:])[: self._columns - at]
        elif final == "P":
            row[at:] = row[at + len(blanks) :] + blanks
        else:
            row[at : at + len(blanks)] = blanks

    def _blank(self) -> _Row:
        return _Row(self._columns)

    def _next_line(self) -> None:
        if self._row == self._bottom:
            self._scroll(self._top, 1)
        else:
            self._row = min(self._rows - 1, self._row + 1)

    def _scroll(self, top: int, count: int) -> None:
        """Move the lines from one to the end of the region up, or down where the count is negative."""
        region = self._cells[top : self._bottom + 1]
        blank = [self._blank() for _ in range(min(abs(count), len(region)))]
        moved = region[len(blank) :] + blank if count > 0 else blank + region[: len(region) - len(blank)]
        self._cells[top : self._bottom + 1] = moved


def shown(output: bytes, rows: int, columns: int) -> list[str]:
    """Return the lines of a terminal after some output, without blanks at their ends.

    Text that went on in the next line for want of room is one line here.
    """
    screen = _Screen(rows, columns)
    for token in _TOKEN.finditer(output.decode("utf-8", "replace")):
        if token["text"]:
            screen.put(token["text"])
        elif token["control"]:
            screen.control(token["control"])
        elif token["plain"]:
            screen.plain(token["plain"])
        elif token["final"]:
            numbers = [int(one[:_DIGITS_MAX] or 0) for one in re.split("[;:]", token["numbers"])]
            screen.sequence(token["mark"], numbers, token["final"])
    return screen.lines()
