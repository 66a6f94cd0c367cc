"""What the machine can do does not depend on what its neighbours do at the moment."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from harness import doctor


@pytest.mark.requires("ext4")
def test_a_busy_neighbour_who_takes_freed_numbers_hides_no_reuse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    touch, calls = doctor._touch, itertools.count()

    def after_the_neighbour(path: str) -> None:
        number = next(calls)
        if number < 60:
            touch(os.path.join(os.path.dirname(path), f"neighbour{number}"))
        touch(path)

    monkeypatch.setattr(doctor, "_touch", after_the_neighbour)
    assert doctor.reuses_inodes(str(tmp_path))
    assert next(calls) > 60


def test_where_numbers_are_never_given_again_that_is_said() -> None:
    if not os.path.isdir("/dev/shm"):
        pytest.skip("this machine lacks: /dev/shm, a file system in memory")
    assert not doctor.reuses_inodes("/dev/shm")
