"""Each file has one owner: the user, a fence's module that is watched, or the harness."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import fence.external.proxy
import fence.protocol
import harness.system.source_files
import takeover_harness.own_packages
from harness.system.source_files import OURS, USERS, WATCHED, owner_of


@pytest.mark.parametrize(
    ("file", "owner"),
    [
        (harness.system.source_files.__file__, OURS),
        (takeover_harness.own_packages.__file__, OURS),
        (os.__file__, OURS),
        (pytest.__file__, OURS),
        ("<string>", OURS),
        (fence.external.proxy.__file__, OURS),
        (fence.protocol.__file__, WATCHED),
        (__file__, USERS),
    ],
)
def test_a_file_has_its_owner(file: str, owner: int) -> None:
    assert owner_of(file) == owner


def test_folders_called_like_ours_are_the_users(tmp_path: Path) -> None:
    for name in ("harness", "takeover_harness", "fence"):
        assert owner_of(str(tmp_path / name / "module.py")) == USERS
