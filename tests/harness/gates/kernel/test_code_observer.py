"""Prints of lanes are kept with their step, from their begin and from their end."""

from __future__ import annotations

from harness.gates.kernel.code_observer import _Output, _Piece
from harness.model.code_trace import KEPT_BYTES, CodeTrace, Place


def kept(*chunks: tuple[int, bytes]) -> list[tuple[int, bytes, int]]:
    """Print chunks, each in a step, and return what is kept: step, bytes, how many were left out before."""
    output = _Output()
    for step, data in chunks:
        output.add(_Piece(0, step, 1, data, None))
    return [(one.step, one.data, one.left_out) for one in output.pieces()]


def test_prints_of_one_step_are_one_piece() -> None:
    assert kept((1, b"a"), (1, b"b"), (2, b"c")) == [(1, b"ab", 0), (2, b"c", 0)]


def test_the_first_and_the_last_bytes_are_kept() -> None:
    found = kept((0, b"x" * (KEPT_BYTES - 1)), (1, b"first"), (2, b"y" * 9000), (3, b"last"))
    assert found[0] == (0, b"x" * (KEPT_BYTES - 1), 0)
    assert found[1] == (1, b"f", 0)
    assert [step for step, _, _ in found[2:]] == [2, 3]
    assert found[-1][1] == b"last"
    assert sum(len(data) for _, data, _ in found) == 2 * KEPT_BYTES
    printed = KEPT_BYTES - 1 + len("first") + 9000 + len("last")
    assert sum(left for *_, left in found) == printed - 2 * KEPT_BYTES


def test_a_lane_that_prints_without_end_keeps_as_much_as_any_other() -> None:
    found = kept(*((step, b"line %d\n" % step) for step in range(5000)))
    assert sum(len(data) for _, data, _ in found) == 2 * KEPT_BYTES
    assert found[-1][0] == 4999


def test_a_step_without_a_line_has_no_place() -> None:
    place = Place("own.py", 3, "load")
    trace = CodeTrace((place,), (-1, 0))
    assert [trace.place(step) for step in (-1, 0, 1, 2)] == [None, None, place, None]
