"""What the machine can do does not depend on what its neighbours do at the moment."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from harness import doctor


@pytest.mark.parametrize(
    ("taken", "found"),
    [pytest.param(60, True, marks=pytest.mark.requires("ext4")), (10**9, False)],
    ids=["the first sixty", "each"],
)
def test_numbers_that_a_busy_neighbour_takes_hide_no_reuse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, taken: int, found: bool
) -> None:
    touch, calls = doctor._touch, itertools.count()

    def after_the_neighbour(path: str) -> None:
        number = next(calls)
        if number < taken:
            touch(os.path.join(os.path.dirname(path), f"neighbour{number}"))
        touch(path)

    monkeypatch.setattr(doctor, "_touch", after_the_neighbour)
    assert doctor.reuses_inodes(str(tmp_path)) is found
    assert next(calls) > 60
