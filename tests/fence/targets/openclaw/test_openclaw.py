from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fence.targets import TargetError, cache, openclaw
from fence.targets.openclaw import tools
from harness.model.errors import FenceLoadError
from harness.scenario.fence_reference import resolve
from tests.fence.targets.fake_npm import put_on_path, tarball

PACKAGE = tarball({"package/dist/chunk.js": b"1", "package/LICENSE": b"MIT", "package/README.md": b"x"})
_FETCH = """
import sys
from tests.fence.targets.openclaw.test_openclaw import bundler
from fence.targets import openclaw
openclaw._bundle = bundler
print(openclaw.fetch("2026.5.18", print).folder)
"""
_PATIENCE_S = 600.0


def bundler(spec: str, node: str, dist: Path, out: Path) -> dict[str, object]:
    """Replace bundle.mjs, which needs tools from the registry."""
    out.write_bytes((dist / "chunk.js").read_bytes())
    return {"merges": False, "files": 1}


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(openclaw, "_bundle", bundler)
    monkeypatch.setattr(tools, "node", lambda: "/usr/bin/node")
    yield put_on_path(monkeypatch, tmp_path / "bin", PACKAGE)


def quiet(text: str) -> None:
    del text


def fetching() -> subprocess.Popen[str]:
    """Start another process that fetches."""
    return subprocess.Popen(
        [sys.executable, "-c", _FETCH], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def until_fetched(log: Path, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while len(log.read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_version_is_fetched_once_and_then_needs_no_npm(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    bundle = openclaw.fetch("2026.5.18", quiet)
    assert (bundle.folder / "fence.cjs").read_bytes() == b"1"
    assert (bundle.folder / "LICENSE").read_bytes() == b"MIT"
    monkeypatch.setenv("FAKE_NPM_FAILS", "1")
    assert openclaw.fetch("2026.5.18", quiet) == bundle
    assert log.read_text() == "openclaw@2026.5.18\n"
    assert [one.version for one in openclaw.fetched()] == ["2026.5.18"]


def test_its_command_contains_the_word_that_its_lock_looks_for() -> None:
    bundle = openclaw.fetch("2026.5.18", quiet)
    words = openclaw.command("openclaw@2026.5.18").split()
    assert "openclaw" in words
    assert str(bundle.folder / "fence.cjs") in words


def test_a_package_with_a_wrong_hash_leaves_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NPM_INTEGRITY", "sha512-another")
    with pytest.raises(TargetError, match=r"its hash is sha512-.*, expected sha512-another"):
        openclaw.fetch("2026.5.18", quiet)
    assert [path for path in cache.root().rglob("*") if path.is_file()] == []


def test_a_damaged_bundle_is_fetched_anew(log: Path) -> None:
    bundle = openclaw.fetch("2026.5.18", quiet)
    (bundle.folder / "fence.cjs").write_bytes(b"other")
    with pytest.raises(TargetError, match="is not in the cache"):
        openclaw.command("openclaw@2026.5.18")
    assert (openclaw.fetch("2026.5.18", quiet).folder / "fence.cjs").read_bytes() == b"1"
    assert log.read_text().count("\n") == 2


def test_another_recipe_makes_a_new_bundle(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    first = openclaw.fetch("2026.5.18", quiet)
    monkeypatch.setattr(tools, "recipe", lambda: "another")
    assert openclaw.fetched() == []
    assert openclaw.fetch("2026.5.18", quiet).folder != first.folder
    assert log.read_text().count("\n") == 2


def test_a_killed_fetch_leaves_no_incomplete_target(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log: Path
) -> None:
    monkeypatch.setenv("FAKE_NPM_HANGS", str(tmp_path / "go"))
    process = fetching()
    until_fetched(log, 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=_PATIENCE_S)
    assert openclaw.fetched() == []
    left = list((cache.root() / "making").iterdir())
    assert len(left) == 1
    (tmp_path / "go").touch()
    bundle = openclaw.fetch("2026.5.18", quiet)
    assert (bundle.folder / "fence.cjs").read_bytes() == b"1"
    assert not left[0].exists()


def test_two_concurrent_fetches_get_the_same_target(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log: Path
) -> None:
    monkeypatch.setenv("FAKE_NPM_HANGS", str(tmp_path / "go"))
    both = [fetching(), fetching()]
    until_fetched(log, 2)
    (tmp_path / "go").touch()
    output = [process.communicate(timeout=_PATIENCE_S)[0].splitlines()[-1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    (bundle,) = openclaw.fetched()
    assert output == [str(bundle.folder)] * 2
    assert list((cache.root() / "making").iterdir()) == []


@pytest.mark.parametrize("version", ["", "../2026", "latest", "2026.5.18+merge"])
def test_only_versions_are_fetched(version: str) -> None:
    with pytest.raises(TargetError, match=r"expected openclaw@VERSION, like openclaw@2026\.5\.18"):
        openclaw.fetch(version, quiet)


def test_a_missing_fence_is_an_error_with_the_fetch_command() -> None:
    with pytest.raises(FenceLoadError) as caught:
        resolve("openclaw@2026.5.19")
    assert str(caught.value) == (
        "openclaw@2026.5.19: is not in the cache; fetch it: python -m harness target openclaw@2026.5.19"
    )


def test_a_version_without_a_merge_callback_has_no_merging_fence() -> None:
    openclaw.fetch("2026.5.18", quiet)
    with pytest.raises(
        TargetError, match=r"^openclaw@2026\.5\.18\+merge: this version has no merge callback"
    ):
        openclaw.command("openclaw@2026.5.18+merge")
