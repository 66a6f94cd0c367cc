from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.shared_memory import LANES_MAX, OPS_MAX, OUTCOMES, Clock, SharedMemory
from harness.scenario import definition

_ROOM = 16384


def test_a_program_arrives_as_it_was_published() -> None:
    board = SharedMemory()
    for program in (b"first", b"", bytes(range(256)) * 1000, b"x"):
        board.publish(program)
        assert board.program() == program


def test_each_program_has_its_own_generation() -> None:
    board = SharedMemory()
    seen = [board.generation]
    for _ in range(3):
        board.publish(b"same")
        seen.append(board.generation)
    assert len(set(seen)) == 4


def test_a_too_large_program_leaves_the_one_before() -> None:
    board = SharedMemory()
    board.publish(b"small")
    with pytest.raises(ValueError, match="at most"):
        board.publish(bytes(1 << 21))
    assert board.program() == b"small"


def test_progress_is_kept_for_each_lane() -> None:
    board = SharedMemory()
    board.publish(b"")
    board.begin(3, 0)
    assert (board.started(3), board.finished(3)) == (1, 0)
    board.end(3, 0, OUTCOMES.index("refused"), "why")
    board.begin(3, 1)
    assert (board.started(3), board.finished(3)) == (2, 1)
    assert board.outcome(3, 0) == ("refused", "why")
    for lane in set(range(LANES_MAX)) - {3}:
        assert (board.started(lane), board.finished(lane)) == (0, 0)


def test_publishing_clears_all_progress_and_texts() -> None:
    board = SharedMemory()
    board.publish(b"")
    board.begin(0, 0)
    board.end(0, 0, 0, "old text")
    assert board.outcome(0, 0) == ("ok", "old text")
    board.publish(b"")
    assert (board.started(0), board.finished(0)) == (0, 0)
    board.end(0, 0, 6, "new")
    assert board.outcome(0, 0) == ("crash", "new")


@pytest.mark.parametrize("number", range(len(OUTCOMES)))
def test_every_outcome_arrives_with_and_without_a_text(number: int) -> None:
    board = SharedMemory()
    board.publish(b"")
    board.end(0, 0, number, "")
    board.end(0, 1, number, "text")
    assert [board.outcome(0, op) for op in (0, 1)] == [(OUTCOMES[number], ""), (OUTCOMES[number], "text")]


@given(st.lists(st.tuples(st.integers(0, LANES_MAX - 1), st.text(max_size=3000)), max_size=40))
def test_texts_arrive_in_order_or_cut_short(said: list[tuple[int, str]]) -> None:
    board = SharedMemory()
    board.publish(b"program")
    ops = [0] * LANES_MAX
    expected = []
    for lane, text in said:
        board.end(lane, ops[lane], 1, text)
        expected.append((lane, ops[lane], text))
        ops[lane] += 1
    used = [0] * LANES_MAX
    for lane, op, text in expected:
        outcome, found = board.outcome(lane, op)
        assert outcome == "refused"
        size = len(text.encode())
        if size <= 2000 and used[lane] + size + 4 <= _ROOM:
            assert found == text
        else:
            assert text.startswith(found.rstrip("\ufffd"))
        used[lane] += min(size, 2000) + 4 if text else 0
    assert board.program() == b"program"


def test_areas_do_not_overlap() -> None:
    board = SharedMemory()
    program = b"p" * 100_000
    board.publish(program)
    for lane in range(LANES_MAX):
        for op in range(OPS_MAX):
            board.begin(lane, op)
            board.stamp(lane, op, 0, lane * 1000 + op)
            board.stamp(lane, op, 1, (1 << 63) + lane * 1000 + op)
            board.end(lane, op, (lane + op) % len(OUTCOMES), "t" * 100 if op % 2 else "")
    assert board.program() == program
    for lane in range(LANES_MAX):
        assert board.started(lane) == board.finished(lane) == OPS_MAX
        for op in range(OPS_MAX):
            assert board.times(lane, op) == (lane * 1000 + op, (1 << 63) + lane * 1000 + op)
            outcome, text = board.outcome(lane, op)
            assert outcome == OUTCOMES[(lane + op) % len(OUTCOMES)]
            # 16 kB are full after 157 texts of 104 bytes.
            assert text == ("t" * 100 if op % 2 and op < 2 * 157 else text[:56])


def test_there_is_room_for_the_largest_scenario() -> None:
    assert definition.LANES_MAX <= LANES_MAX
    assert definition.OPS_MAX <= OPS_MAX
    SharedMemory().publish(bytes(definition.PROGRAM_BYTES_MAX))


def test_two_processes_see_each_others_writes() -> None:
    board, clock = SharedMemory(), Clock()
    board.publish(b"for the child")
    clock.now_ns = 1 << 62
    pid = os.fork()
    if pid == 0:
        good = board.program() == b"for the child" and clock.now_ns == 1 << 62
        board.begin(1, 4)
        board.end(1, 4, 3, "from the child")
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert (board.started(1), board.finished(1)) == (5, 5)
    assert board.outcome(1, 4) == ("stale_lock", "from the child")
