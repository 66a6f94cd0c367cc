"""A tree is removed whole, and nothing that is not in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.system.tree_removal import Identity, identity_of, remove_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").write_text("a")
    (tree / "a" / "b" / "file").write_text("b")
    return tree


def test_a_tree_is_removed_with_all_that_is_in_it(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    assert remove_tree(str(tree))
    assert list(tree.parent.iterdir()) == []
    assert remove_tree(str(tree))


def test_links_are_removed_and_not_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    outside.chmod(0o755)
    (tree / "file").symlink_to(outside / "kept")
    (tree / "a" / "b" / "link").symlink_to(outside)
    assert remove_tree(str(tree))
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert outside.stat().st_mode & 0o777 == 0o755


def test_a_link_in_the_place_of_the_tree_is_left_alone(tree: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tree)
    assert not remove_tree(str(link))
    assert link.is_symlink()
    assert (tree / "a" / "b" / "file").read_text() == "b"


def test_another_directory_by_the_name_is_left_alone(tree: Path) -> None:
    found = identity_of(str(tree))
    assert found is not None
    tree.chmod(0o500)
    for other in (Identity(found.device, found.inode + 1), Identity(found.device + 1, found.inode)):
        assert not remove_tree(str(tree), other)
    assert (tree / "a" / "b" / "file").read_text() == "b"
    assert tree.stat().st_mode & 0o777 == 0o500
    assert remove_tree(str(tree), found)


def test_directories_without_permissions_are_removed(tree: Path) -> None:
    for one in (tree / "a" / "b", tree / "a", tree):
        one.chmod(0)
    assert remove_tree(str(tree))
    assert not tree.exists()


def test_a_tree_of_three_thousand_levels_is_removed(tree: Path) -> None:
    """Neither paths, nor descriptors, nor the stack grow with the depth."""
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tree)
        for _ in range(3000):
            os.mkdir("deeper")
            os.chdir("deeper")
    finally:
        os.fchdir(here)
        os.close(here)
    assert remove_tree(str(tree))
    assert not tree.exists()


def test_names_that_removal_itself_uses_are_removed(tree: Path) -> None:
    (tree / ".removed-1").mkdir()
    (tree / ".removed-2").write_text("")
    assert remove_tree(str(tree))
    assert not tree.exists()


@pytest.mark.requires("mounts")
def test_a_mount_is_not_crossed_even_of_the_same_file_system(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "kept").write_text("kept")
    (tree / "a" / "place").mkdir()
    subprocess.run(["mount", "--bind", outside, tree / "a" / "place"], check=True)
    try:
        assert not remove_tree(str(tree))
        assert (outside / "deep" / "kept").read_text() == "kept"
        assert not (tree / "a" / "b").exists()
        assert not (tree / "a" / "file").exists()
    finally:
        subprocess.run(["umount", tree / "a" / "place"], check=True)
    assert remove_tree(str(tree))
