from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fence.targets import cache


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_cache_is_below_xdg_cache_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.root() == tmp_path / "takeover-harness" / "targets"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.root() == tmp_path / "home" / ".cache" / "takeover-harness" / "targets"


def test_a_staging_folder_is_removed_even_after_an_exception() -> None:
    with pytest.raises(KeyError), cache.staging_folder() as folder:
        (folder / "half").touch()
        raise KeyError
    assert not folder.exists()


def test_only_staging_folders_of_dead_processes_are_removed() -> None:
    with cache.staging_folder() as living:
        dead = living.parent / "dead"
        dead.mkdir()
        (dead / "half").touch()
        with cache.staging_folder():
            assert living.exists()
            assert not dead.exists()


def test_a_made_folder_is_placed_as_a_whole() -> None:
    where = cache.root() / "thing" / "1"
    with cache.staging_folder() as shop:
        made = shop / "made"
        made.mkdir()
        (made / "file").write_text("whole")
        cache.place(made, where)
    assert (where / "file").read_text() == "whole"


@pytest.mark.parametrize(("is_whole", "stays"), [(None, "first"), (lambda: False, "second")])
def test_a_second_place_replaces_only_a_damaged_folder(
    is_whole: Callable[[], bool] | None, stays: str
) -> None:
    where = cache.root() / "thing" / "1"
    for text in ("first", "second"):
        with cache.staging_folder() as shop:
            made = shop / "made"
            made.mkdir()
            (made / "file").write_text(text)
            cache.place(made, where, is_whole)
    assert (where / "file").read_text() == stays


def test_a_slower_fetch_keeps_the_folder_of_the_faster_one() -> None:
    """Let two processes fetch at once; the one that finishes later finds the other's folder."""
    where = cache.root() / "thing" / "1"
    with cache.staging_folder() as early, cache.staging_folder() as late:
        for shop in (early, late):
            (shop / "made").mkdir()
            (shop / "made" / "file").write_text("whole")
        cache.place(early / "made", where, (where / "file").exists)
        first = where.stat().st_ino
        cache.place(late / "made", where, (where / "file").exists)
    assert where.stat().st_ino == first


def test_a_failed_rename_is_an_error(tmp_path: Path) -> None:
    where = cache.root() / "thing"
    with cache.staging_folder() as shop:
        made = shop / "made"
        made.mkdir()
        where.touch()
        with pytest.raises(OSError, match="thing"):
            cache.place(made, where)
