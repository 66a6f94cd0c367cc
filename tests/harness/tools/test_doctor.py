"""The doctor's findings do not depend on other processes of the machine."""

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
def test_inode_reuse_is_found_though_numbers_stay_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: int, found: bool
) -> None:
    """A second name keeps a number from being freed, as if another process took it."""
    touch, calls = doctor._touch, itertools.count()

    def with_a_second_name(path: str) -> None:
        touch(path)
        number = next(calls)
        if number < kept:
            os.link(path, tmp_path / f"kept{number}")

    monkeypatch.setattr(doctor, "_touch", with_a_second_name)
    assert doctor.reuses_inodes(str(tmp_path)) is found
    assert next(calls) > 60
