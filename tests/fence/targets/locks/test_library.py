"""Test how a lock library is fetched into the cache and found there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fence.targets import TargetError, target_of
from fence.targets.locks import proper_lockfile
from fence.targets.openclaw import tools
from tests.fence.targets import fake_npm
from tests.fence.targets.fake_pip import put_in_place, wheel

filelock = target_of("filelock")
#: A library whose locks can be taken, and the same without one of them.
CODE = b"""
class Timeout(Exception): pass
class FileLock:
    def __init__(self, path, timeout): pass
    def acquire(self): pass
    def release(self): pass
class SoftFileLock(FileLock): pass
"""
HARD_ALONE = CODE.replace(b"class SoftFileLock(FileLock): pass", b"")
NEITHER = b"class Lock: pass"


def packed(code: bytes) -> bytes:
    return wheel(
        {"filelock/__init__.py": code, "filelock/x.so": b"2", "other/__init__.py": b"3", "LICENSE": b"4"}
    )


PACKAGE = packed(CODE)


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield put_in_place(monkeypatch, tmp_path / "pip", PACKAGE, "filelock-3.12.0-py3-none-any.whl")


def quiet(text: str) -> None:
    del text


def test_a_version_is_fetched_once_and_then_needs_no_pip(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    package = filelock.fetch("3.12.0", quiet)
    assert [str(path.relative_to(package.files)) for path in sorted(package.files.rglob("*.*"))] == [
        "filelock/__init__.py"
    ]
    monkeypatch.setenv("FAKE_PIP_FAILS", "1")
    assert filelock.fetch("3.12.0", quiet) == package
    assert len(log.read_text().splitlines()) == 1
    assert filelock.fetched() == [package]
    assert package.fences == ("filelock@3.12.0", "filelock@3.12.0+soft")


def test_a_version_without_the_usual_lock_is_refused_and_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_in_place(monkeypatch, tmp_path / "other", packed(NEITHER), "filelock-0.1-py3-none-any.whl")
    with pytest.raises(TargetError) as caught:
        filelock.fetch("0.1", quiet)
    said = str(caught.value)
    assert said.startswith("filelock@0.1: its lock cannot be used as that of the versions that were tried: ")
    assert "has no attribute 'FileLock'; nothing was kept; choose a version near" in said
    assert filelock.fetched() == []
    assert [path for path in (tmp_path / "cache").rglob("*.py")] == []


def test_a_version_that_lacks_a_lock_has_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_in_place(monkeypatch, tmp_path / "other", packed(HARD_ALONE), "filelock-2.0-py3-none-any.whl")
    told: list[str] = []
    package = filelock.fetch("2.0", told.append)
    assert package.fences == ("filelock@2.0",)
    assert told[-1].startswith("filelock@2.0: has no lock +soft: AttributeError: ")
    assert filelock.fetched() == [package]
    with pytest.raises(TargetError, match=r"^filelock@2\.0\+soft: no such lock, expected filelock@2\.0$"):
        filelock.command("filelock@2.0+soft")


def test_each_lock_of_a_version_has_its_own_command(log: Path) -> None:
    package = filelock.fetch("3.12.0", quiet)
    for fence, variant in (("filelock@3.12.0", "''"), ("filelock@3.12.0+soft", "soft")):
        words = filelock.command(fence).split()
        assert str(package.files) in words
        assert words[-1] == variant


def test_a_missing_version_or_lock_names_a_remedy() -> None:
    with pytest.raises(TargetError, match=r"fetch it: python -m harness target filelock@3\.12\.0"):
        filelock.command("filelock@3.12.0+soft")
    filelock.fetch("3.12.0", quiet)
    with pytest.raises(
        TargetError, match=r"no such lock, expected filelock@3\.12\.0 or filelock@3\.12\.0\+soft"
    ):
        filelock.command("filelock@3.12.0+hard")
    with pytest.raises(TargetError, match="expected filelock@VERSION"):
        filelock.fetch("../3", quiet)


def test_changed_files_are_fetched_anew(log: Path) -> None:
    package = filelock.fetch("3.12.0", quiet)
    (package.files / "filelock" / "__init__.py").write_bytes(b"changed")
    assert filelock.fetched() == []
    assert filelock.fetch("3.12.0", quiet) == package
    assert (package.files / "filelock" / "__init__.py").read_bytes() == CODE
    assert len(log.read_text().splitlines()) == 2


def test_a_pinned_hash_takes_precedence_over_the_index(log: Path) -> None:
    with pytest.raises(TargetError, match=r"^filelock==3\.0\.0: its sha256 is .*, expected b3ad481724adfb22"):
        filelock.fetch("3.0.0", quiet)
    assert filelock.fetched() == []


def test_an_npm_library_is_unpacked_as_node_expects_its_modules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = fake_npm.tarball(
        {"package/package.json": b"{}", "package/index.js": b"1", "package/a.md": b"2"}
    )
    fake_npm.put_on_path(monkeypatch, tmp_path / "bin", package)
    monkeypatch.setattr(tools, "node", lambda: "/usr/bin/node")
    monkeypatch.setattr("fence.targets.locks.Library._lacking", lambda *_: ())
    found = proper_lockfile.fetch("4.1.2", quiet)
    files = [
        str(path.relative_to(found.files)) for path in sorted(found.files.rglob("*.*")) if path.is_file()
    ]
    assert files == [f"node_modules/proper-lockfile/{name}" for name in ("index.js", "package.json")]
    assert "proper-lockfile@4.1.2" in target_of("proper-lockfile").fetched()[0].fences


def test_an_unknown_dependency_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = fake_npm.tarball({"package/package.json": b'{"dependencies": {"left-pad": "^1"}}'})
    fake_npm.put_on_path(monkeypatch, tmp_path / "bin", package)
    with pytest.raises(TargetError, match=r"no version is known for its dependency left-pad \^1"):
        proper_lockfile.fetch("4.1.2", quiet)
