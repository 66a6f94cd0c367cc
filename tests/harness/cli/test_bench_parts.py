"""Where large transcripts find room, and what a plan has in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fence.controls import CONTROLS
from harness.cli.bench_parts import plain_fences, room_for
from harness.model.errors import UsageError


def test_transcripts_go_where_the_user_says_when_there_is_room(tmp_path: Path) -> None:
    assert room_for(1024, str(tmp_path)) == str(tmp_path)


def test_without_room_nothing_is_measured_and_the_ways_out_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"MB free, transcripts of .* need .*; free some space there, give"):
        room_for(1 << 60, str(tmp_path))


def test_also_of_several_places_the_last_one_is_named() -> None:
    with pytest.raises(UsageError, match=r"^/.*MB free"):
        room_for(1 << 60, None)


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: No such file or directory; give another --session-root"):
        room_for(1024, str(tmp_path / "nowhere"))


def test_fences_that_are_broken_on_purpose_are_no_plain_ones() -> None:
    assert "ledger" in plain_fences()
    assert not set(plain_fences()) & set(CONTROLS)
