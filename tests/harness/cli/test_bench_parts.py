"""Transcripts of `bench` get a folder with room for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fence.controls import CONTROLS
from harness.cli.bench_parts import plain_fences, room_for
from harness.model.errors import UsageError


def test_transcripts_go_to_the_users_folder_if_there_is_room(tmp_path: Path) -> None:
    assert room_for(1024, str(tmp_path)) == str(tmp_path)


def test_without_room_the_error_names_the_remedies(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"MB free, transcripts of .* need .*; free some space there, give"):
        room_for(1 << 60, str(tmp_path))


def test_without_room_anywhere_the_error_names_the_last_place() -> None:
    with pytest.raises(UsageError, match=r"^/.*MB free"):
        room_for(1 << 60, None)


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: No such file or directory; give another --session-root"):
        room_for(1024, str(tmp_path / "nowhere"))


def test_plain_fences_do_not_include_controls() -> None:
    assert "ledger" in plain_fences()
    assert not set(plain_fences()) & set(CONTROLS)
