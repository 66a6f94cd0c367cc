"""Facts about a descriptor of another process that need no look at its readers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gates.kernel.pipe_wait import ANY_SLEEPER, NO_SLEEPER, empties, reach


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_read_of_an_empty_pipe_waits_until_somebody_writes(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    assert empties(os.getpid(), reading)
    os.write(writing, b"x")
    assert not empties(os.getpid(), reading)


def test_a_read_that_does_not_want_to_wait_does_not(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[0], False)
    assert not empties(os.getpid(), pipe[0])


def test_a_read_from_the_end_for_writing_fails_at_once(pipe: tuple[int, int]) -> None:
    assert not empties(os.getpid(), pipe[1])


def test_a_pipe_reaches_its_sleepers_and_a_file_reaches_none(pipe: tuple[int, int], tmp_path: Path) -> None:
    assert reach(os.getpid(), pipe[0]) == reach(os.getpid(), pipe[1]) == os.fstat(pipe[0]).st_ino
    (tmp_path / "file").write_bytes(b"x")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    assert reach(os.getpid(), fd) == NO_SLEEPER
    os.close(fd)
    assert reach(os.getpid(), fd) == NO_SLEEPER


def test_an_event_descriptor_may_reach_any_sleeper() -> None:
    fd = os.eventfd(0)
    assert reach(os.getpid(), fd) == ANY_SLEEPER
    os.close(fd)
