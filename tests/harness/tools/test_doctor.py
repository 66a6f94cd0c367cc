"""What the machine can do does not depend on what its neighbours do at the moment."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from harness.tools import doctor


@pytest.mark.parametrize(
    ("kept", "found"),
    [pytest.param(60, True, marks=pytest.mark.requires("ext4")), (10**9, False)],
    ids=["the first sixty", "each"],
)
def test_numbers_that_are_not_free_again_at_once_hide_no_reuse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: int, found: bool
) -> None:
    """A second name keeps a number from being freed, as a neighbour takes one; no process can hinder it."""
    touch, calls = doctor._touch, itertools.count()

    def with_a_second_name(path: str) -> None:
        touch(path)
        number = next(calls)
        if number < kept:
            os.link(path, tmp_path / f"kept{number}")

    monkeypatch.setattr(doctor, "_touch", with_a_second_name)
    assert doctor.reuses_inodes(str(tmp_path)) is found
    assert next(calls) > 60
