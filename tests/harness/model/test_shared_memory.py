from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.shared_memory import LANES_MAX, OPS_MAX, OUTCOMES, Clock, SharedMemory
from harness.scenario import definition

_ROOM = 16384


def test_a_program_arrives_as_it_was_published() -> None:
    memory = SharedMemory()
    for program in (b"first", b"", bytes(range(256)) * 1000, b"x"):
        memory.publish(program)
        assert memory.program() == program


def test_each_program_has_its_own_generation() -> None:
    memory = SharedMemory()
    seen = [memory.generation]
    for _ in range(3):
        memory.publish(b"same")
        seen.append(memory.generation)
    assert len(set(seen)) == 4


def test_a_too_large_program_leaves_the_one_before() -> None:
    memory = SharedMemory()
    memory.publish(b"small")
    with pytest.raises(ValueError, match="at most"):
        memory.publish(bytes(1 << 21))
    assert memory.program() == b"small"


def test_progress_is_kept_for_each_lane() -> None:
    memory = SharedMemory()
    memory.publish(b"")
    memory.begin(3, 0)
    assert (memory.started(3), memory.finished(3)) == (1, 0)
    memory.end(3, 0, OUTCOMES.index("refused"), "why")
    memory.begin(3, 1)
    assert (memory.started(3), memory.finished(3)) == (2, 1)
    assert memory.outcome(3, 0) == ("refused", "why")
    for lane in set(range(LANES_MAX)) - {3}:
        assert (memory.started(lane), memory.finished(lane)) == (0, 0)


def test_publishing_clears_all_progress_and_texts() -> None:
    memory = SharedMemory()
    memory.publish(b"")
    memory.begin(0, 0)
    memory.end(0, 0, 0, "old text")
    assert memory.outcome(0, 0) == ("ok", "old text")
    memory.publish(b"")
    assert (memory.started(0), memory.finished(0)) == (0, 0)
    memory.end(0, 0, 6, "new")
    assert memory.outcome(0, 0) == ("crash", "new")


@pytest.mark.parametrize("number", range(len(OUTCOMES)))
def test_every_outcome_arrives_with_and_without_a_text(number: int) -> None:
    memory = SharedMemory()
    memory.publish(b"")
    memory.end(0, 0, number, "")
    memory.end(0, 1, number, "text")
    assert [memory.outcome(0, op) for op in (0, 1)] == [(OUTCOMES[number], ""), (OUTCOMES[number], "text")]


@given(st.lists(st.tuples(st.integers(0, LANES_MAX - 1), st.text(max_size=3000)), max_size=40))
def test_texts_arrive_in_order_or_cut_short(texts: list[tuple[int, str]]) -> None:
    memory = SharedMemory()
    memory.publish(b"program")
    ops = [0] * LANES_MAX
    expected = []
    for lane, text in texts:
        memory.end(lane, ops[lane], 1, text)
        expected.append((lane, ops[lane], text))
        ops[lane] += 1
    used = [0] * LANES_MAX
    for lane, op, text in expected:
        outcome, found = memory.outcome(lane, op)
        assert outcome == "refused"
        size = len(text.encode())
        if size <= 2000 and used[lane] + size + 4 <= _ROOM:
            assert found == text
        else:
            assert text.startswith(found.rstrip("\ufffd"))
        used[lane] += min(size, 2000) + 4 if text else 0
    assert memory.program() == b"program"


def test_areas_do_not_overlap() -> None:
    memory = SharedMemory()
    program = b"p" * 100_000
    memory.publish(program)
    for lane in range(LANES_MAX):
        for op in range(OPS_MAX):
            memory.begin(lane, op)
            memory.stamp(lane, op, 0, lane * 1000 + op)
            memory.stamp(lane, op, 1, (1 << 63) + lane * 1000 + op)
            memory.end(lane, op, (lane + op) % len(OUTCOMES), "t" * 100 if op % 2 else "")
    assert memory.program() == program
    for lane in range(LANES_MAX):
        assert memory.started(lane) == memory.finished(lane) == OPS_MAX
        for op in range(OPS_MAX):
            assert memory.times(lane, op) == (lane * 1000 + op, (1 << 63) + lane * 1000 + op)
            outcome, text = memory.outcome(lane, op)
            assert outcome == OUTCOMES[(lane + op) % len(OUTCOMES)]
            # 16 kB are full after 157 texts of 104 bytes.
            assert text == ("t" * 100 if op % 2 and op < 2 * 157 else text[:56])


def test_there_is_room_for_the_largest_scenario() -> None:
    assert definition.LANES_MAX <= LANES_MAX
    assert definition.OPS_MAX <= OPS_MAX
    SharedMemory().publish(bytes(definition.PROGRAM_BYTES_MAX))


def test_two_processes_see_each_others_writes() -> None:
    memory, clock = SharedMemory(), Clock()
    memory.publish(b"for the child")
    clock.now_ns = 1 << 62
    pid = os.fork()
    if pid == 0:
        good = memory.program() == b"for the child" and clock.now_ns == 1 << 62
        memory.begin(1, 4)
        memory.end(1, 4, 3, "from the child")
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert (memory.started(1), memory.finished(1)) == (5, 5)
    assert memory.outcome(1, 4) == ("stale_lock", "from the child")
