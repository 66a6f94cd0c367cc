"""The kind that stands for no lock: no lane is kept out, and no file is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from fence.errors import StaleLockError
from fence.locks import KINDS, make_lock


def test_two_handles_have_it_at_once_and_no_file_is_made(tmp_path: Path) -> None:
    transcript = str(tmp_path / "t.jsonl")
    first, second = (make_lock("none", transcript, {}, {}) for _ in range(2))
    with first, second:
        assert first.held and second.held
        assert not KINDS["none"].is_held(transcript)
    assert not first.held and list(tmp_path.iterdir()) == []


def test_a_release_without_an_acquire_is_told(tmp_path: Path) -> None:
    with pytest.raises(StaleLockError, match="acquire it first"):
        make_lock("none", str(tmp_path / "t"), {}, {}).release()


def test_no_other_kind_lets_every_lane_in() -> None:
    assert [name for name, kind in KINDS.items() if not kind.excludes] == ["none"]
