"""Limits of memory are found under both versions of control groups, and from inside a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.system import control_group
from harness.system.control_group import MemoryLimit, memory_limit, oom_kills

_MIB = 1 << 20


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test mounts its control groups; none are mounted yet."""
    for name in ("_MOUNTS", "_GROUPS"):
        path = tmp_path / name
        path.write_text("")
        monkeypatch.setattr(control_group, name, str(path))
    return tmp_path


def _mounted(tree: Path, version: int, group: str, root: str = "/") -> None:
    kind = "cgroup2 cgroup2 rw" if version == 2 else "cgroup cgroup rw,memory"
    (tree / "_MOUNTS").write_text(
        f"21 1 0:20 / /proc rw - proc proc rw\n30 1 0:30 {root} {tree}/groups rw,relatime shared:1 - {kind}\n"
    )
    groups = f"0::{group}\n" if version == 2 else f"3:cpu:/other\n4:memory:{group}\n0::/\n"
    (tree / "_GROUPS").write_text(groups)


def _group(tree: Path, path: str, **files: str) -> Path:
    directory = tree / "groups" / path
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name.replace("__", ".")).write_text(content)
    return directory


def test_the_smallest_limit_around_a_group_holds(tree: Path) -> None:
    _mounted(tree, 2, "/outer/inner")
    outer = _group(tree, "outer", memory__max=f"{60 * _MIB}\n")
    _group(tree, "outer/inner", memory__max="max\n", memory__events="low 0\noom 2\noom_kill 3\n")
    assert memory_limit() == MemoryLimit(60 * _MIB, str(outer / "memory.max"))
    assert oom_kills() == 3


def test_version_one_has_other_files_and_no_word_for_no_limit(tree: Path) -> None:
    _mounted(tree, 1, "/outer")
    outer = _group(tree, "outer", memory__oom_control="under_oom 0\noom_kill 1\n")
    (outer / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert memory_limit() is None
    assert oom_kills() == 1
    (outer / "memory.limit_in_bytes").write_text(f"{80 * _MIB}\n")
    assert memory_limit() == MemoryLimit(80 * _MIB, str(outer / "memory.limit_in_bytes"))


def test_a_container_sees_its_own_group_as_the_top(tree: Path) -> None:
    _mounted(tree, 2, "/docker/abc/inner", root="/docker/abc")
    top = _group(tree, "", memory__max=f"{100 * _MIB}\n")
    inner = _group(tree, "inner", memory__max="max\n")
    assert memory_limit() == MemoryLimit(100 * _MIB, str(top / "memory.max"))
    (inner / "memory.max").write_text(f"{50 * _MIB}\n")
    assert memory_limit() == MemoryLimit(50 * _MIB, str(inner / "memory.max"))


def test_a_group_outside_of_the_mount_is_the_mount(tree: Path) -> None:
    _mounted(tree, 2, "/elsewhere", root="/docker/abc")
    top = _group(tree, "", memory__max=f"{100 * _MIB}\n")
    assert memory_limit() == MemoryLimit(100 * _MIB, str(top / "memory.max"))


@pytest.mark.parametrize("content", ["", "garbage\n", "a b - cgroup2\n", "1 2 3 - cgroup2 none rw\n"])
def test_a_file_that_cannot_be_read_is_no_limit(tree: Path, content: str) -> None:
    (tree / "_MOUNTS").write_text(content)
    (tree / "_GROUPS").write_text(content or "0::/\n")
    assert memory_limit() is None
    assert oom_kills() == 0
